//! Commits over many tables that happen together or not at all.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::commit::{Wanted, carry_out, plan};
use super::extract::{InWarehouse, RawBody};
use super::idempotent::{Asked, Attempt, Replay, once};
use super::respond::OnCommit;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::WarehouseId;
use crate::catalog::requests::{CommitTable, CommitTransaction};
use crate::error::Error;
use crate::plugin::Togetherness;

/// `POST /v1/{prefix}/transactions/commit`.
pub async fn commit(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let asked = Asked::new(warehouse, "commitTransaction".into(), &headers, &body);
    let change = |attempt| commit_once(&app, &caller, warehouse, &body, attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

async fn commit_once(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    body: &[u8],
    attempt: Attempt,
) -> Result<Response, Error> {
    let request = CommitTransaction::parse(body)?;
    let changes = named(app, request)?;
    let wanted = wanted(&changes);
    let planned = plan(app, caller, warehouse, &wanted).await?;
    app.judge_commits(caller, &planned, Togetherness::Transaction).await?.enforce()?;
    carry_out(app, caller, planned, |_| Replay::Empty, attempt).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The changes by table: at least one, each with its table, no table twice.
pub fn named(app: &App, request: CommitTransaction) -> Result<Vec<(TableIdent, CommitTable)>, Error> {
    let tables_max = app.config.catalog.transaction_tables_max;
    if request.table_changes.len() > tables_max {
        return Err(Error::BadRequest(format!(
            "table-changes has {} entries, at most {tables_max} are allowed; split the transaction",
            request.table_changes.len()
        )));
    }
    if request.table_changes.is_empty() {
        return Err(Error::bad_request("table-changes is empty: a transaction changes at least one table"));
    }
    let mut seen = HashSet::new();
    let mut changes = Vec::with_capacity(request.table_changes.len());
    for (index, mut change) in request.table_changes.into_iter().enumerate() {
        let Some(ident) = change.identifier.take() else {
            return Err(Error::BadRequest(format!(
                "table-changes[{index}] has no identifier: each change names its table"
            )));
        };
        if !seen.insert(ident.clone()) {
            return Err(Error::BadRequest(format!(
                "table-changes names {ident} twice; put all its updates into one change"
            )));
        }
        changes.push((ident, change));
    }
    Ok(changes)
}

/// What the changes want of each table.
pub fn wanted(changes: &[(TableIdent, CommitTable)]) -> Vec<Wanted<'_>> {
    changes
        .iter()
        .map(|(ident, change)| Wanted {
            ident: ident.clone(),
            requirements: &change.requirements,
            updates: &change.updates,
        })
        .collect()
}
