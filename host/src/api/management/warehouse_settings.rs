//! What can be changed about a warehouse after its creation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::warehouses::{GetWarehouseResponse, TabularDeleteProfile, checked_warehouse_name};
use crate::api::extract::JsonBody;
use crate::api::record::{Happened, record};
use crate::api::warehouse_settings::{ManagedBy, WarehouseSettings};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::store::rows::{Warehouse, WarehouseStatus};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RenameWarehouseRequest {
    pub new_name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateWarehouseDeleteProfileRequest {
    pub delete_profile: TabularDeleteProfile,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateWarehouseFormatVersionPolicyRequest {
    pub allowed_format_versions: Vec<i32>,
    pub default_format_version: Option<i32>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SetWarehouseManagedByRequest {
    pub managed_by: ManagedBy,
}

/// One change of a warehouse's row, told to the outbox; the answer is the warehouse as it is now.
///
/// 409 where somebody else changed it in between.
pub async fn change(
    app: &App,
    caller: &Caller,
    id: WarehouseId,
    apply: impl FnOnce(&mut Warehouse) -> Result<()>,
) -> Result<Warehouse> {
    let (mut warehouse, permit) = warehouse_for(app, caller, id, Action::WarehouseUpdate).await?;
    let read_version = warehouse.version;
    apply(&mut warehouse)?;
    let now_ms = app.clock.now_ms();
    warehouse.version = read_version + 1;
    warehouse.updated_at_ms = Some(now_ms);
    let mut writer = app.store.begin(&permit).await?;
    super::warehouses::update(&mut writer, &warehouse, read_version).await?;
    record(&mut writer, &permit, Happened::to_warehouse(EventKind::WarehouseUpdated, &warehouse), now_ms).await?;
    writer.commit().await?;
    Ok(warehouse)
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/rename", tag = "warehouse",
    summary = "Rename Warehouse", params(("warehouse_id" = Uuid, Path)), request_body = RenameWarehouseRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn rename_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<RenameWarehouseRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let name = checked_warehouse_name("new-name", request.new_name)?;
    let warehouse = change(&app, &caller, id, |warehouse| {
        warehouse.name = name;
        Ok(())
    });
    Ok(Json(warehouse.await?.try_into()?))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/activate", tag = "warehouse",
    summary = "Activate Warehouse", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, description = "active"), (status = "4XX", body = ErrorResponse)))]
pub async fn activate_warehouse(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<WarehouseId>) -> Result<()> {
    set_status(&app, &caller, id, WarehouseStatus::Active).await
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/deactivate", tag = "warehouse",
    summary = "Deactivate Warehouse", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, description = "inactive"), (status = "4XX", body = ErrorResponse)))]
pub async fn deactivate_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<()> {
    set_status(&app, &caller, id, WarehouseStatus::Inactive).await
}

async fn set_status(app: &App, caller: &Caller, id: WarehouseId, status: WarehouseStatus) -> Result<()> {
    let changed = change(app, caller, id, |warehouse| {
        warehouse.status = status;
        Ok(())
    });
    changed.await.map(|_| ())
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/delete-profile", tag = "warehouse",
    summary = "Update Deletion Profile", params(("warehouse_id" = Uuid, Path)),
    request_body = UpdateWarehouseDeleteProfileRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn update_warehouse_delete_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UpdateWarehouseDeleteProfileRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let profile = request.delete_profile.checked()?;
    let warehouse = change(&app, &caller, id, |warehouse| {
        warehouse.delete_profile = profile;
        Ok(())
    });
    Ok(Json(warehouse.await?.try_into()?))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/format-version-policy", tag = "warehouse",
    summary = "Update Format Version Policy", params(("warehouse_id" = Uuid, Path)),
    request_body = UpdateWarehouseFormatVersionPolicyRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn update_warehouse_format_version_policy(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UpdateWarehouseFormatVersionPolicyRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let set = |settings: &mut WarehouseSettings| {
        settings.set_format_versions(request.allowed_format_versions, request.default_format_version)
    };
    let warehouse = change_settings(&app, &caller, id, set).await?;
    Ok(Json(warehouse.try_into()?))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/managed-by", tag = "warehouse",
    summary = "Set Managed By", params(("warehouse_id" = Uuid, Path)), request_body = SetWarehouseManagedByRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn set_warehouse_managed_by(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<SetWarehouseManagedByRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let set = |settings: &mut WarehouseSettings| {
        settings.managed_by = request.managed_by;
        Ok(())
    };
    let warehouse = change_settings(&app, &caller, id, set).await?;
    Ok(Json(warehouse.try_into()?))
}

/// One change of the part of a warehouse that is kept as settings.
pub async fn change_settings(
    app: &App,
    caller: &Caller,
    id: WarehouseId,
    set: impl FnOnce(&mut WarehouseSettings) -> Result<()>,
) -> Result<Warehouse> {
    let changed = change(app, caller, id, |warehouse| {
        let mut settings = WarehouseSettings::from_stored(&warehouse.settings)?;
        set(&mut settings)?;
        warehouse.settings = settings.to_stored()?;
        Ok(())
    });
    changed.await
}

/// 400 where tables of the warehouse would lie outside of the new root.
pub fn keeps_tables(warehouse: &Warehouse, root: &Location) -> Result<()> {
    if root.contains(&warehouse.root) {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "the tables of warehouse {} lie inside `{}`, which `{root}` does not contain: keep the root, or name one above \
         it",
        warehouse.name, warehouse.root
    )))
}
