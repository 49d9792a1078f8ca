//! Views: list, load, exists, drop.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::Answer;
use super::authorize::{Object, missing};
use super::documents::{Cached, Snapshots};
use super::drop::{self, TabularDrop};
use super::engines::Through;
use super::extract::{InNamespace, OfTable, QueryOf};
use super::idempotent::{Asked, Attempt, once};
use super::listing::PageQuery;
use super::respond::OnCommit;
use super::tables::{ListTablesResponse, list_kind};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::difference::Operation;
use crate::error::Error;
use crate::store::rows::{Tabular, TabularKind};

/// `GET …/namespaces/{namespace}/views`.
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListTablesResponse>, Error> {
    list_kind(&app, &caller, target, &page, TabularKind::View).await.map(Json)
}

/// `GET …/views/{view}`.
pub async fn load(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(through): QueryOf<Through>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let acting = app.on_behalf(&caller, target.warehouse, through.views.as_deref()).await?;
    let row = app.view(&acting, target).await?;
    answer_load(&app, &acting, &row, &headers).await
}

/// The view as it is now, for a caller who may see it.
pub async fn answer_load(app: &App, caller: &Caller, row: &Tabular, headers: &HeaderMap) -> Result<Response, Error> {
    app.authorize(caller, Action::ViewDescribe, Object::Tabular(row)).await?;
    let (row, cached) = app.document(row).await?;
    answer(&row, &cached, headers)
}

/// Views carry no entity tag: the spec has none for them, and clients would not know what to do with a 304.
pub fn answer(row: &Tabular, cached: &Cached, headers: &HeaderMap) -> Result<Response, Error> {
    let metadata_location = Some(row.metadata_location.as_str());
    Answer { headers, metadata_location, config: Some(json!({})), etag: None, access: None }.of(cached, Snapshots::All)
}

/// `HEAD …/views/{view}`.
pub async fn exists(State(app): State<Arc<App>>, caller: Caller, target: OfTable) -> Result<StatusCode, Error> {
    let row = app.view(&caller, target).await?;
    app.authorize(&caller, Action::ViewDescribe, Object::Tabular(&row)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE …/views/{view}`.
pub async fn drop(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(how): QueryOf<TabularDrop>,
    headers: HeaderMap,
) -> Result<Response, OnCommit> {
    let ident = target.ident.clone().or_missing(missing::view)?;
    let operation = format!("dropView/{}/{}/{how:?}", ident.namespace.key(), ident.name);
    let asked = Asked::new(target.warehouse, operation, &headers, b"");
    let change = |attempt: Attempt| {
        let (app, caller, ident) = (&app, &caller, &ident);
        async move {
            let target = (target.warehouse, ident, TabularKind::View);
            let (row, permit) = drop::droppable(app, caller, target, how).await?;
            app.judge_leave(caller, &row, Operation::Drop).await?.enforce()?;
            drop::tabular(app, (&row, &permit), how, &attempt).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    };
    Ok(once(&app, &caller, asked, change).await?)
}
