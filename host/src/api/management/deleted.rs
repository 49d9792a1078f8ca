//! Soft-deleted tables and views: list them, bring them back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::times::Timestamp;
use crate::api::authorize::{Object, Question, missing};
use crate::api::contracts::place_of;
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::{Listing, PageQuery};
use crate::api::record::{Happened, TabularChange, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{NamespaceId, TabularId, WarehouseId};
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Renamed, Tabular, TabularKind};
use crate::tasks::queue::Queue;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListDeletedTabularsResponse {
    pub tabulars: Vec<DeletedTabularResponse>,
    pub next_page_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DeletedTabularResponse {
    pub id: Uuid,
    pub name: String,
    pub namespace: Vec<String>,
    pub typ: TabularType,
    pub warehouse_id: Uuid,
    pub created_at: Timestamp,
    pub deleted_at: Timestamp,
    /// When it goes for good.
    pub expiration_date: Timestamp,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TabularType {
    Table,
    View,
}

#[derive(Deserialize, ToSchema)]
pub struct UndropTabularsRequest {
    pub targets: Vec<TabularIdentUuid>,
}

/// A table or a view by its id.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct TabularIdentUuid {
    #[serde(rename = "type")]
    pub kind: TabularType,
    pub id: Uuid,
}

impl From<TabularKind> for TabularType {
    fn from(kind: TabularKind) -> Self {
        match kind {
            TabularKind::Table => Self::Table,
            TabularKind::View => Self::View,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct DeletedQuery {
    #[serde(rename = "namespaceId")]
    namespace: Option<Uuid>,
    #[serde(flatten)]
    page: PageQuery,
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/deleted-tabulars", tag = "warehouse",
    summary = "List Soft-Deleted Tabulars",
    params(("warehouse_id" = Uuid, Path), ("namespaceId" = Option<Uuid>, Query), ("pageToken" = Option<String>, Query),
        ("pageSize" = Option<i64>, Query)),
    responses((status = 200, body = ListDeletedTabularsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_deleted_tabulars(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    QueryOf(query): QueryOf<DeletedQuery>,
) -> Result<Json<ListDeletedTabularsResponse>> {
    warehouse_for(&app, &caller, id, Action::WarehouseListDeleted).await?;
    let namespace = query.namespace.map(NamespaceId);
    let below = [id.to_string(), namespace.map(|namespace| namespace.to_string()).unwrap_or_default()];
    let below = below.each_ref().map(String::as_str);
    let of = page::Listing { what: "deleted-tabulars", of: &below, caller: caller.id() };
    let mut listing = Listing::start(&app, &query.page, of)?;
    while let Some(limit) = listing.wanted() {
        let after = listing.after().map(str::parse::<TabularId>).transpose()?;
        let rows = app.store.deleted_page(id, namespace, after, limit).await?;
        let objects: Vec<Object<'_>> = rows.iter().map(Object::Tabular).collect();
        let seen = app.sees(&caller, &objects).await?;
        let rows = rows.into_iter().zip(seen).map(|(row, seen)| (row.id.to_string(), row, seen)).collect();
        listing.take(limit, rows, deleted);
    }
    let (tabulars, next_page_token) = listing.finish();
    Ok(Json(ListDeletedTabularsResponse { tabulars, next_page_token }))
}

fn deleted(row: Tabular) -> DeletedTabularResponse {
    DeletedTabularResponse {
        id: row.id.0,
        namespace: row.namespace.parts().to_vec(),
        typ: row.kind.into(),
        warehouse_id: row.warehouse_id.0,
        created_at: Timestamp(row.created_at_ms),
        deleted_at: Timestamp(row.deleted_at_ms.unwrap_or_default()),
        expiration_date: Timestamp(row.expires_at_ms.unwrap_or_default()),
        name: row.name,
    }
}

/// How many one request brings back at the most.
const TARGETS_MAX: usize = 1_000;

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/deleted-tabulars/undrop", tag = "warehouse",
    summary = "Undrop Tabular", params(("warehouse_id" = Uuid, Path)), request_body = UndropTabularsRequest,
    responses((status = 204, description = "brought back"), (status = "4XX", body = ErrorResponse)))]
pub async fn undrop_tabulars(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UndropTabularsRequest>,
) -> Result<StatusCode> {
    let (tabulars, permits) = plan_undrop(&app, &caller, id, request).await?;
    let Some(first) = permits.first() else { return Ok(StatusCode::NO_CONTENT) };
    app.judge_undrop(&caller, &tabulars).await?.enforce()?;
    let now_ms = app.clock.now_ms();
    let within = (id, tabulars.iter().map(|tabular| tabular.warehouse_version).max().unwrap_or_default());
    let mut writer = app.begin_in_place(first, within, tabulars.iter().map(place_of)).await?;
    for (tabular, permit) in tabulars.iter().zip(&permits) {
        undrop(&mut writer, permit, tabular, now_ms).await?;
    }
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides that the caller may bring all of them back, which nothing stands against but contracts.
pub async fn plan_undrop(
    app: &App,
    caller: &Caller,
    id: WarehouseId,
    request: UndropTabularsRequest,
) -> Result<(Vec<Tabular>, Vec<Permit>)> {
    warehouse_for(app, caller, id, Action::WarehouseDescribe).await?;
    if request.targets.len() > TARGETS_MAX {
        return Err(Error::BadRequest(format!(
            "one request brings back at most {TARGETS_MAX} tables and views, found {}",
            request.targets.len()
        )));
    }
    let mut tabulars = Vec::with_capacity(request.targets.len());
    for target in request.targets {
        tabulars.push(undroppable(app, id, target).await?);
    }
    let questions: Vec<Question<'_>> = tabulars.iter().map(question).collect();
    let permits = app.authorize_all(caller, &questions).await?;
    tabulars.iter().try_for_each(refuse_not_deleted)?;
    Ok((tabulars, permits))
}

async fn undroppable(app: &App, warehouse: WarehouseId, target: TabularIdentUuid) -> Result<Tabular> {
    let kind = match target.kind {
        TabularType::Table => TabularKind::Table,
        TabularType::View => TabularKind::View,
    };
    let found = app.store.tabular_by_id(warehouse, TabularId(target.id), true).await?;
    found.filter(|row| row.kind == kind).ok_or_else(|| missing::tabular(kind, target.id))
}

fn question(tabular: &Tabular) -> Question<'_> {
    let action = match tabular.kind {
        TabularKind::Table => Action::TableUndrop,
        TabularKind::View => Action::ViewUndrop,
    };
    Question::new(action, Object::Tabular(tabular)).by_id(tabular.id.0)
}

fn refuse_not_deleted(tabular: &Tabular) -> Result<()> {
    if tabular.deleted_at_ms.is_none() {
        return Err(not_deleted(tabular));
    }
    Ok(())
}

fn not_deleted(tabular: &Tabular) -> Error {
    Error::Conflict(format!(
        "{} {}.{} is not soft-deleted: it was brought back before, or has expired",
        tabular.kind.as_str(),
        tabular.namespace,
        tabular.name
    ))
}

/// Brings one back under its old name, and calls off its expiry.
async fn undrop(writer: &mut Writer, permit: &Permit, tabular: &Tabular, now_ms: i64) -> Result<()> {
    let shown = format!("{}.{}", tabular.namespace, tabular.name);
    match writer.undrop(tabular.id, tabular.namespace_id, &tabular.name).await? {
        Renamed::Done => {}
        Renamed::Gone | Renamed::NamespaceGone => {
            return Err(not_deleted(tabular));
        }
        Renamed::NameTaken(kind) => {
            return Err(Error::AlreadyExists(format!(
                "{} {shown} cannot come back, because a {} of that name exists by now; rename that one first",
                tabular.kind.as_str(),
                kind.as_str()
            )));
        }
    }
    writer.cancel_entity_task(Queue::SoftDeletion.as_str(), tabular.id.0, now_ms).await?;
    record(writer, permit, Happened::to_tabular(TabularChange::Undropped, tabular, json!({})), now_ms).await
}
