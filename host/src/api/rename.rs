//! Renames of tables or views: names move, files stay, ids stay.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::authorize::{Object, Question, Wish, missing};
use super::contracts::{Judgement, place_of};
use super::extract::{InWarehouse, RawBody};
use super::idempotent::{Asked, Attempt, Replay, once};
use super::record::{Happened, TabularChange, record};
use super::respond::OnCommit;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ident::{Namespace, TableIdent};
use crate::catalog::ids::WarehouseId;
use crate::error::Error;
use crate::permit::Permit;
use crate::store::rows::{NamespaceRow, Rename, Renamed, Tabular, TabularKind};

#[derive(Debug, Deserialize, ToSchema)]
pub struct RenameTableRequest {
    source: Named,
    destination: Named,
}

#[derive(Debug, Deserialize, ToSchema)]
struct Named {
    namespace: Vec<String>,
    name: String,
}

impl Named {
    fn ident(&self) -> Result<TableIdent, Error> {
        TableIdent::parse(Namespace::parse(self.namespace.clone())?, self.name.clone())
    }
}

/// `POST /v1/{prefix}/tables/rename`.
pub async fn table(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let asked = Asked::new(warehouse, "renameTable".into(), &headers, &body);
    let change = |attempt| rename_once(&app, &caller, (warehouse, TabularKind::Table), &body, attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

/// `POST /v1/{prefix}/views/rename`.
pub async fn view(
    State(app): State<Arc<App>>,
    caller: Caller,
    InWarehouse(warehouse): InWarehouse,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, OnCommit> {
    let asked = Asked::new(warehouse, "renameView".into(), &headers, &body);
    let change = |attempt| rename_once(&app, &caller, (warehouse, TabularKind::View), &body, attempt);
    Ok(once(&app, &caller, asked, change).await?)
}

async fn rename_once(
    app: &App,
    caller: &Caller,
    (warehouse, kind): (WarehouseId, TabularKind),
    body: &[u8],
    attempt: Attempt,
) -> Result<Response, Error> {
    let planned = plan(app, caller, (warehouse, kind), super::json::parse(body)?).await?;
    planned.judged(app, caller).await?.enforce()?;
    planned.carry_out(app, &attempt).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A rename that is allowed, nothing written yet.
pub struct Planned {
    permit: Permit,
    row: Tabular,
    source: TableIdent,
    target: TableIdent,
    /// Where it goes; `None` where it has the name already.
    arrival: Option<NamespaceRow>,
}

/// Decides that the caller may rename it so.
pub async fn plan(
    app: &App,
    caller: &Caller,
    (warehouse, kind): (WarehouseId, TabularKind),
    request: RenameTableRequest,
) -> Result<Planned, Error> {
    let (source, target) = (request.source.ident()?, request.destination.ident()?);
    let row = app.tabular(caller, warehouse, &source, kind).await?;
    let action = match kind {
        TabularKind::Table => Action::TableRename,
        TabularKind::View => Action::ViewRename,
    };
    let wish = Wish { name: Some(&target.name), namespace: Some(&target.namespace), ..Wish::default() };
    let question = Question::new(action, Object::Tabular(&row)).wishing(wish);
    let permit = app.authorize_question(caller, &question).await?;
    if source == target {
        return Ok(Planned { permit, row, source, target, arrival: None });
    }
    let namespace = app.namespace(caller, warehouse, &target.namespace).await?;
    if namespace.id != row.namespace_id {
        let entering = match kind {
            TabularKind::Table => Action::NamespaceCreateTable,
            TabularKind::View => Action::NamespaceCreateView,
        };
        let question = Question::new(entering, Object::Namespace(&namespace)).naming(&target.name);
        app.authorize_question(caller, &question).await?;
    }
    Ok(Planned { permit, row, source, target, arrival: Some(namespace) })
}

impl Planned {
    /// What the contracts say to it.
    pub async fn judged(&self, app: &App, caller: &Caller) -> Result<Judgement, Error> {
        match &self.arrival {
            Some(namespace) => app.judge_rename(caller, &self.row, (namespace, &self.target.name)).await,
            None => Ok(app.nothing_to_judge()),
        }
    }

    async fn carry_out(&self, app: &App, attempt: &Attempt) -> Result<(), Error> {
        let Self { permit, row, source, target, arrival } = self;
        let Some(namespace) = arrival else { return Ok(()) };
        let now_ms = app.clock.now_ms();
        let within = (row.warehouse_id, row.warehouse_version);
        let places = [place_of(row), (namespace.id, &namespace.path)];
        let mut writer = app.begin_in_place(permit, within, places).await?;
        attempt.record(&mut writer, StatusCode::NO_CONTENT, Replay::Empty).await?;
        let rename = Rename {
            id: row.id,
            from_namespace_id: row.namespace_id,
            from_name: &row.name,
            namespace_id: namespace.id,
            name: &target.name,
            now_ms,
        };
        match writer.rename_tabular(&rename).await? {
            Renamed::Done => {}
            Renamed::NameTaken(holder) => return Err(taken(source, target, holder)),
            Renamed::Gone => return Err(missing::tabular(row.kind, source)),
            Renamed::NamespaceGone => return Err(missing::namespace(&target.namespace)),
        }
        let to = json!({
            "namespace": target.namespace.parts(), "namespace-ids": namespace.lineage, "name": target.name,
        });
        let to = json!({ "to": to });
        record(&mut writer, permit, Happened::to_tabular(TabularChange::Renamed, row, to), now_ms).await?;
        writer.commit().await
    }
}

fn taken(source: &TableIdent, target: &TableIdent, holder: TabularKind) -> Error {
    let what = match holder {
        TabularKind::Table => "Table",
        TabularKind::View => "View",
    };
    Error::AlreadyExists(format!("Cannot rename {source} to {target}. {what} already exists"))
}
