//! Tables as they are read: list, load, exists; those that change them are in files of their own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{self, Answer};
use super::authorize::{Access, Object, missing};
use super::documents::Snapshots;
use super::extract::{InNamespace, OfTable, QueryOf};
use super::listing::{Listing, PageQuery};
use super::vending::Delegation;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::page;
use crate::error::Error;
use crate::store::rows::{Tabular, TabularKind};

#[derive(Debug, Serialize, ToSchema)]
pub struct TableIdentifier {
    /// Shared by all tables of a listing.
    #[schema(value_type = Vec<String>)]
    pub namespace: Arc<[String]>,
    pub name: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListTablesResponse {
    pub next_page_token: Option<String>,
    pub identifiers: Vec<TableIdentifier>,
    /// Where `returnUuids=true` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_uuids: Option<Vec<Uuid>>,
}

/// `GET …/namespaces/{namespace}/tables`.
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: InNamespace,
    QueryOf(page): QueryOf<PageQuery>,
) -> Result<Json<ListTablesResponse>, Error> {
    list_kind(&app, &caller, target, &page, TabularKind::Table).await.map(Json)
}

/// The tables or the views of a namespace that the caller may see.
pub async fn list_kind(
    app: &App,
    caller: &Caller,
    target: InNamespace,
    query: &PageQuery,
    kind: TabularKind,
) -> Result<ListTablesResponse, Error> {
    let path = target.namespace.or_missing(missing::namespace)?;
    let row = app.namespace(caller, target.warehouse, &path).await?;
    let action = match kind {
        TabularKind::Table => Action::NamespaceListTables,
        TabularKind::View => Action::NamespaceListViews,
    };
    app.authorize(caller, action, Object::Namespace(&row)).await?;
    let below = row.id.to_string();
    let of = page::Listing { what: action.as_str(), of: &[&below], caller: caller.id() };
    let mut listing = Listing::start(app, query, of)?;
    let namespace: Arc<[String]> = path.parts().into();
    let sight = app.sight_of_tabulars(caller, &row, kind).await?;
    while let Some(limit) = listing.wanted().filter(|_| !sight.is_nothing()) {
        let rows = app.store.tabulars_page(row.id, kind, listing.after(), Some(limit)).await?;
        let seen = sight.of_entries(&rows).await?;
        let rows = rows.into_iter().zip(seen).map(|(item, seen)| (item.name.clone(), item, seen)).collect();
        let ident = |name| TableIdentifier { namespace: Arc::clone(&namespace), name };
        listing.take(limit, rows, |item| (ident(item.name), item.id.0));
    }
    let (listed, next_page_token) = listing.finish();
    let (identifiers, ids): (Vec<_>, Vec<_>) = listed.into_iter().unzip();
    let table_uuids = query.return_uuids.then_some(ids);
    Ok(ListTablesResponse { next_page_token, identifiers, table_uuids })
}

#[derive(Debug, Deserialize)]
pub struct LoadQuery {
    snapshots: Option<String>,
    #[serde(rename = "referenced-by")]
    through: Option<String>,
}

/// `GET …/tables/{table}`: one SELECT, one decision, the stored bytes.
pub async fn load(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(query): QueryOf<LoadQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let snapshots = snapshots(query.snapshots.as_deref())?;
    let acting = app.on_behalf(&caller, target.warehouse, query.through.as_deref()).await?;
    let row = app.table(&acting, target).await?;
    let (_permit, access) = app.authorize_load(&acting, &row).await?;
    answer_load(&app, (&acting, access, query.through.as_deref()), &row, (snapshots, Shape::Load), &headers).await
}

/// What an answer with a table's metadata has around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Load,
    /// Without `config`.
    Commit,
}

fn snapshots(asked: Option<&str>) -> Result<Snapshots, Error> {
    match asked {
        None | Some("all") => Ok(Snapshots::All),
        Some("refs") => Ok(Snapshots::Refs),
        Some(other) => Err(Error::BadRequest(format!("snapshots={other} is not known: expected `all` or `refs`"))),
    }
}

/// The answer to a load whose caller is allowed `access`; 304 where the client has it already, with keys that are not past
/// half their life.
async fn answer_load(
    app: &App,
    (caller, access, views): (&Caller, Access, Option<&str>),
    row: &Tabular,
    (snapshots, shape): (Snapshots, Shape),
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let delegation = match shape {
        Shape::Load => Delegation::of(headers)?,
        Shape::Commit => Delegation::default(),
    };
    let files = app.file_access(caller, row, access, delegation).await?.through(views);
    let etag = answer::etag(row, snapshots, &files.mark(delegation), access);
    if let Some(response) = answer::not_modified(headers, &etag) {
        return Ok(response);
    }
    let (row, cached) = app.document(row).await?;
    let answer = Answer {
        headers,
        metadata_location: Some(&row.metadata_location),
        config: (shape == Shape::Load).then(|| json!(files.config)),
        etag: Some(answer::etag(&row, snapshots, &files.mark(delegation), access)),
        access: (shape == Shape::Load).then_some(&files),
    };
    answer.of(&cached, snapshots)
}

/// Answers what an earlier request with the same key did.
pub async fn answer_again(
    app: &App,
    caller: &Caller,
    (row, shape): (&Tabular, Shape),
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let (_permit, access) = app.authorize_load(caller, row).await?;
    answer_load(app, (caller, access, None), row, (Snapshots::All, shape), headers).await
}

/// `HEAD …/tables/{table}`.
pub async fn exists(State(app): State<Arc<App>>, caller: Caller, target: OfTable) -> Result<StatusCode, Error> {
    let row = app.table(&caller, target).await?;
    app.authorize(&caller, Action::TableDescribe, Object::Tabular(&row)).await?;
    Ok(StatusCode::NO_CONTENT)
}
