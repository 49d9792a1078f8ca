//! Tables that leave the catalog: dropped, purged, or unregistered with their files kept.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::authorize::{Object, missing};
use super::contracts::place_of;
use super::documents::{Cached, Snapshots};
use super::drop::{self, TabularDrop};
use super::extract::{OfTable, QueryOf, RawBody};
use super::idempotent::{Asked, Attempt, Replay, once};
use super::record::{Happened, TabularChange, record};
use super::respond::OnCommit;
use super::written::Written;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::difference::Operation;
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::permit::Permit;
use crate::store::rows::{Tabular, TabularKind, Warehouse};

/// `DELETE …/tables/{table}?purgeRequested=`.
pub async fn drop_table(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(how): QueryOf<TabularDrop>,
    headers: HeaderMap,
) -> Result<Response, OnCommit> {
    let ident = target.ident.clone().or_missing(missing::table)?;
    let operation = format!("dropTable/{}/{}/{how:?}", ident.namespace.key(), ident.name);
    let asked = Asked::new(target.warehouse, operation, &headers, b"");
    let change = |attempt: Attempt| {
        let (app, caller, ident) = (&app, &caller, &ident);
        async move {
            let target = (target.warehouse, ident, TabularKind::Table);
            let (row, permit) = drop::droppable(app, caller, target, how).await?;
            app.judge_leave(caller, &row, Operation::Drop).await?.enforce()?;
            drop::tabular(app, (&row, &permit), how, &attempt).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    };
    Ok(once(&app, &caller, asked, change).await?)
}

/// `POST …/tables/{table}/unregister`: the last metadata is the answer, the files stay.
pub async fn unregister(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let ident = target.ident.clone().or_missing(missing::table)?;
    let operation = format!("unregisterTable/{}/{}", ident.namespace.key(), ident.name);
    let asked = Asked::new(target.warehouse, operation, &headers, &body);
    let change = |attempt| unregister_once(&app, &caller, (target.warehouse, &ident), &headers, attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

/// A table that the caller may take out of the catalog, which nothing stands against but contracts.
pub async fn unregistrable(
    app: &App,
    caller: &Caller,
    (warehouse, ident): (WarehouseId, &TableIdent),
) -> Result<(Tabular, Permit), Error> {
    let row = app.tabular(caller, warehouse, ident, TabularKind::Table).await?;
    let permit = app.authorize(caller, Action::TableDrop, Object::Tabular(&row)).await?;
    drop::refuse_protected(&row, false)?;
    Ok((row, permit))
}

async fn unregister_once(
    app: &App,
    caller: &Caller,
    target: (WarehouseId, &TableIdent),
    headers: &HeaderMap,
    attempt: Attempt,
) -> Result<Response, Error> {
    let (row, permit) = unregistrable(app, caller, target).await?;
    app.judge_leave(caller, &row, Operation::Unregister).await?.enforce()?;
    let (row, cached) = app.document(&row).await?;
    let now_ms = app.clock.now_ms();
    let within = (row.warehouse_id, row.warehouse_version);
    let mut writer = app.begin_in_place(&permit, within, [place_of(&row)]).await?;
    let file = Location::parse(&row.metadata_location)?;
    attempt.record(&mut writer, StatusCode::OK, Replay::Unregistered(file)).await?;
    if !writer.unregister_tabular(row.id, row.version).await? {
        return Err(Error::CommitFailed(format!(
            "table {}.{} has moved since it was read for this request; retry",
            row.namespace, row.name
        )));
    }
    let happened = Happened::to_tabular(TabularChange::Dropped, &row, serde_json::json!({ "unregistered": true }));
    record(&mut writer, &permit, happened, now_ms).await?;
    writer.commit().await?;
    answer_unregistered(&cached, &row.metadata_location, headers)
}

/// Answers what an earlier request with the same key did; the table's last metadata is where it was left.
pub async fn answer_again(
    app: &App,
    warehouse: &Warehouse,
    file: Location,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let bytes = app.own_files(warehouse).await?.read_metadata(&file, app.config.catalog.metadata_bytes_max).await?;
    let metadata = TableMetadata::parse(&bytes)?;
    let metadata_location = file.to_string();
    let cached = Written::as_read(bytes, &metadata, file)?.into_cached();
    answer_unregistered(&cached, &metadata_location, headers)
}

fn answer_unregistered(cached: &Cached, metadata_location: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let metadata_location = Some(metadata_location);
    Answer { headers, metadata_location, config: None, etag: None, access: None }.of(cached, Snapshots::All)
}
