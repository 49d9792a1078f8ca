//! Each change taken as far as its first write, then put before the contracts.

use super::request::{Change, NamespaceChange};
use crate::api::commit::{Wanted, plan};
use crate::api::contracts::Judgement;
use crate::api::management::{deleted, namespace_move};
use crate::api::transactions::{named, wanted};
use crate::api::{create, drop, json, leave, namespaces, rename, view_changes};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::difference::Operation;
use crate::catalog::ids::WarehouseId;
use crate::catalog::requests::{CommitTable, CommitTransaction, CreateTable, RegisterTable};
use crate::catalog::view::{CommitView, CreateView, RegisterView};
use crate::error::{Error, Result};
use crate::plugin::Togetherness;

/// What the contracts say to the change, once everything has been asked that the change itself asks before it writes.
pub async fn judged(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    (change, whole): (Change, &[u8]),
) -> Result<Judgement> {
    match change {
        Change::Commit => commit(app, caller, warehouse, whole).await,
        Change::Transaction => transaction(app, caller, warehouse, whole).await,
        Change::CreateTable(path, body) => {
            let request = CreateTable::parse(body.as_str().as_bytes())?;
            create::draft(app, caller, (warehouse, path), &request).await?.judged(app, &request).await
        }
        Change::RegisterTable(path, body) => {
            let request = RegisterTable::parse(body.as_str().as_bytes())?;
            create::draft_registration(app, caller, (warehouse, path), &request).await?.judged_registration(app).await
        }
        Change::CreateView(path, body) => {
            let request = CreateView::parse(body.as_str().as_bytes())?;
            view_changes::draft(app, caller, (warehouse, path), &request).await?.judged(app).await
        }
        Change::RegisterView(path, body) => {
            let request = RegisterView::parse(body.as_str().as_bytes())?;
            view_changes::draft_registration(app, caller, (warehouse, path), &request).await?.judged(app).await
        }
        Change::ReplaceView(ident, body) => {
            let request = CommitView::parse(body.as_str().as_bytes())?;
            let planned = view_changes::plan_replacement(app, caller, (warehouse, &ident), &request).await?;
            planned.judged(app, caller).await
        }
        Change::Rename(kind, body) => {
            let request = json::parse(body.as_str().as_bytes())?;
            rename::plan(app, caller, (warehouse, kind), request).await?.judged(app, caller).await
        }
        Change::Drop(kind, ident, how) => {
            let (row, _permit) = drop::droppable(app, caller, (warehouse, &ident, kind), how).await?;
            app.judge_leave(caller, &row, Operation::Drop).await
        }
        Change::Unregister(ident) => {
            let (row, _permit) = leave::unregistrable(app, caller, (warehouse, &ident)).await?;
            app.judge_leave(caller, &row, Operation::Unregister).await
        }
        Change::Undrop(body) => {
            let request = json::parse(body.as_str().as_bytes())?;
            let (tabulars, _permits) = deleted::plan_undrop(app, caller, warehouse, request).await?;
            app.judge_undrop(caller, &tabulars).await
        }
        Change::OfNamespace(change) => of_namespace(app, caller, warehouse, change).await,
    }
}

async fn of_namespace(
    app: &App,
    caller: &Caller,
    warehouse: WarehouseId,
    change: NamespaceChange,
) -> Result<Judgement> {
    match change {
        NamespaceChange::Create(body) => {
            let request = json::parse(body.as_str().as_bytes())?;
            let (_permit, row) = namespaces::plan_creation(app, caller, warehouse, request).await?;
            app.judge_new_namespace(caller, &row).await
        }
        NamespaceChange::Update(path, body) => {
            let request = json::parse(body.as_str().as_bytes())?;
            namespaces::plan_update(app, caller, (warehouse, &path), request).await?.judged(app, caller).await
        }
        NamespaceChange::Drop(path, how) => {
            drop::droppable_namespace(app, caller, (warehouse, &path), how).await?.judged(app, caller).await
        }
        NamespaceChange::Move(id, body) => {
            let request = json::parse(body.as_str().as_bytes())?;
            let planned = namespace_move::plan_move(app, caller, (warehouse, id), request).await?;
            Ok(planned.judged(app, caller).await?.judgement)
        }
    }
}

async fn commit(app: &App, caller: &Caller, warehouse: WarehouseId, body: &[u8]) -> Result<Judgement> {
    let CommitTable { identifier, requirements, updates } = CommitTable::parse(body)?;
    let ident = identifier.ok_or_else(|| Error::bad_request("the commit has no `identifier`: name its table"))?;
    let wanted = Wanted { ident, requirements: &requirements, updates: &updates };
    let planned = plan(app, caller, warehouse, &[wanted]).await?;
    app.judge_commits(caller, &planned, Togetherness::Each).await
}

async fn transaction(app: &App, caller: &Caller, warehouse: WarehouseId, body: &[u8]) -> Result<Judgement> {
    let changes = named(app, CommitTransaction::parse(body)?)?;
    let planned = plan(app, caller, warehouse, &wanted(&changes)).await?;
    app.judge_commits(caller, &planned, Togetherness::Transaction).await
}
