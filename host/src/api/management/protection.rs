//! The flags that keep warehouses, namespaces, tables and views from being dropped.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::times::Timestamp;
use crate::api::authorize::{Object, Question, missing};
use crate::api::extract::JsonBody;
use crate::api::record::{Happened, TabularChange, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{NamespaceId, TabularId, WarehouseId};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::rows::{NamespaceRow, Tabular, TabularKind};

#[derive(Clone, Copy, Deserialize, ToSchema)]
pub struct SetProtectionRequest {
    /// Whether dropping is refused unless it is forced.
    pub protected: bool,
}

/// The one body of the contract that is not in kebab case.
#[derive(Serialize, ToSchema)]
pub struct ProtectionResponse {
    pub protected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

impl ProtectionResponse {
    fn new(protected: bool, updated_at_ms: Option<i64>) -> Json<Self> {
        Json(Self { protected, updated_at: updated_at_ms.map(Timestamp) })
    }
}

/// What a request does with a flag; both take the right to set it.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Look,
    Set,
}

impl Doing {
    fn asked(self, question: Question<'_>) -> Question<'_> {
        match self {
            Self::Look => question.looking(),
            Self::Set => question,
        }
    }
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/protection", tag = "warehouse",
    summary = "Set Warehouse Protection", params(("warehouse_id" = Uuid, Path)), request_body = SetProtectionRequest,
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn set_warehouse_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<SetProtectionRequest>,
) -> Result<Json<ProtectionResponse>> {
    let changed = super::warehouse_settings::change(&app, &caller, id, |warehouse| {
        warehouse.protected = request.protected;
        Ok(())
    });
    let warehouse = changed.await?;
    Ok(ProtectionResponse::new(warehouse.protected, warehouse.updated_at_ms))
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/protection",
    tag = "warehouse", summary = "Get Namespace Protection",
    params(("warehouse_id" = Uuid, Path), ("namespace_id" = Uuid, Path)),
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_namespace_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((warehouse, id)): Ids<(WarehouseId, NamespaceId)>,
) -> Result<Json<ProtectionResponse>> {
    let (row, _) = namespace_for(&app, &caller, (warehouse, id), Doing::Look).await?;
    Ok(ProtectionResponse::new(row.protected, row.updated_at_ms))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/protection",
    tag = "warehouse", summary = "Set Namespace Protection",
    params(("warehouse_id" = Uuid, Path), ("namespace_id" = Uuid, Path)), request_body = SetProtectionRequest,
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn set_namespace_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((warehouse, id)): Ids<(WarehouseId, NamespaceId)>,
    JsonBody(request): JsonBody<SetProtectionRequest>,
) -> Result<Json<ProtectionResponse>> {
    let (row, permit) = namespace_for(&app, &caller, (warehouse, id), Doing::Set).await?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.protect_namespace(id, request.protected, now_ms).await? {
        return Err(missing::namespace(&row.path));
    }
    record(&mut writer, &permit, Happened::to_namespace(EventKind::NamespaceUpdated, &row), now_ms).await?;
    writer.commit().await?;
    Ok(ProtectionResponse::new(request.protected, Some(now_ms)))
}

async fn namespace_for(
    app: &App,
    caller: &Caller,
    (warehouse, id): (WarehouseId, NamespaceId),
    doing: Doing,
) -> Result<(NamespaceRow, Permit)> {
    warehouse_for(app, caller, warehouse, Action::WarehouseDescribe).await?;
    let found = app.store.namespace_by_id(warehouse, id).await?;
    let row = found.ok_or_else(|| missing::namespace(id))?;
    let question = doing.asked(Question::new(Action::NamespaceProtect, Object::Namespace(&row)).by_id(id.0));
    let permit = app.authorize_question(caller, &question).await?;
    Ok((row, permit))
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/table/{table_id}/protection",
    tag = "warehouse", summary = "Get Table Protection",
    params(("warehouse_id" = Uuid, Path), ("table_id" = Uuid, Path)),
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_table_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(ids): Ids<(WarehouseId, TabularId)>,
) -> Result<Json<ProtectionResponse>> {
    let (table, _) = tabular_for(&app, &caller, ids, TabularKind::Table, Doing::Look).await?;
    Ok(ProtectionResponse::new(table.protected, table.updated_at_ms))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/table/{table_id}/protection",
    tag = "warehouse", summary = "Set Table Protection",
    params(("warehouse_id" = Uuid, Path), ("table_id" = Uuid, Path)), request_body = SetProtectionRequest,
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn set_table_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(ids): Ids<(WarehouseId, TabularId)>,
    JsonBody(request): JsonBody<SetProtectionRequest>,
) -> Result<Json<ProtectionResponse>> {
    let (table, permit) = tabular_for(&app, &caller, ids, TabularKind::Table, Doing::Set).await?;
    protect(&app, &permit, &table, request.protected).await
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/view/{view_id}/protection",
    tag = "warehouse", summary = "Get View Protection",
    params(("warehouse_id" = Uuid, Path), ("view_id" = Uuid, Path)),
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_view_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(ids): Ids<(WarehouseId, TabularId)>,
) -> Result<Json<ProtectionResponse>> {
    let (view, _) = tabular_for(&app, &caller, ids, TabularKind::View, Doing::Look).await?;
    Ok(ProtectionResponse::new(view.protected, view.updated_at_ms))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/view/{view_id}/protection",
    tag = "warehouse", summary = "Set View Protection",
    params(("warehouse_id" = Uuid, Path), ("view_id" = Uuid, Path)), request_body = SetProtectionRequest,
    responses((status = 200, body = ProtectionResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn set_view_protection(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(ids): Ids<(WarehouseId, TabularId)>,
    JsonBody(request): JsonBody<SetProtectionRequest>,
) -> Result<Json<ProtectionResponse>> {
    let (view, permit) = tabular_for(&app, &caller, ids, TabularKind::View, Doing::Set).await?;
    protect(&app, &permit, &view, request.protected).await
}

async fn tabular_for(
    app: &App,
    caller: &Caller,
    (warehouse, id): (WarehouseId, TabularId),
    kind: TabularKind,
    doing: Doing,
) -> Result<(Tabular, Permit)> {
    warehouse_for(app, caller, warehouse, Action::WarehouseDescribe).await?;
    let found = known_by(app, warehouse, id, kind).await?;
    let (action, absent) = match kind {
        TabularKind::Table => (Action::TableProtect, missing::table as fn(TabularId) -> Error),
        TabularKind::View => (Action::ViewProtect, missing::view as fn(TabularId) -> Error),
    };
    let tabular = found.ok_or_else(|| absent(id))?;
    let question = doing.asked(Question::new(action, Object::Tabular(&tabular)).by_id(id.0));
    let permit = app.authorize_question(caller, &question).await?;
    Ok((tabular, permit))
}

/// The table or view of this id: the catalog's own, or the UUID in its metadata, which is what clients of Lakekeeper have.
async fn known_by(app: &App, warehouse: WarehouseId, id: TabularId, kind: TabularKind) -> Result<Option<Tabular>> {
    let own = app.store.tabular_by_id(warehouse, id, false).await?.filter(|row| row.kind == kind);
    if own.is_some() {
        return Ok(own);
    }
    let mut found = app.store.tabulars_by_uuid(warehouse, id.0, 2).await?;
    if found.len() > 1 {
        return Err(Error::Conflict(format!(
            "more than one {} has the UUID {id} in its metadata; list them with `returnUuids=true` for ids that tell \
             them apart",
            kind.as_str()
        )));
    }
    Ok(found.pop().filter(|row| row.kind == kind))
}

async fn protect(app: &App, permit: &Permit, tabular: &Tabular, protected: bool) -> Result<Json<ProtectionResponse>> {
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(permit).await?;
    if !writer.protect_tabular(tabular.id, protected, now_ms).await? {
        return Err(Error::CommitFailed(format!("{} was dropped in between", tabular.name)));
    }
    let more = json!({"protected": protected});
    record(&mut writer, permit, Happened::to_tabular(TabularChange::Protected, tabular, more), now_ms).await?;
    writer.commit().await?;
    Ok(ProtectionResponse::new(protected, Some(now_ms)))
}
