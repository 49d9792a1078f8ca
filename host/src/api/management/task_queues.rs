//! What an operator may set of the work of a queue in one warehouse.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::warehouse_settings::change_settings;
use crate::api::extract::JsonBody;
use crate::api::warehouse_settings::{QueueSettings, WarehouseSettings};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::WarehouseId;
use crate::error::{Error, Result};

/// The configuration of one queue in one warehouse.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueueConfig {
    /// A worker that stays silent for longer is taken for dead; the server's own bound when left out.
    pub max_seconds_since_last_heartbeat: Option<i64>,
    /// These queues have nothing further to set.
    #[schema(value_type = Object)]
    pub queue_config: NothingToSet,
}

/// An empty object; what Lakekeeper would set in later releases is not known here, so it is refused.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NothingToSet {}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/task-queue/soft_deletion/config", tag = "tasks",
    summary = "Get Soft Deletion Queue Config", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, body = QueueConfig), (status = "4XX", body = ErrorResponse)))]
pub async fn get_soft_deletion_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<Json<QueueConfig>> {
    Ok(shown(settings(&app, &caller, id).await?.soft_deletion))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/task-queue/soft_deletion/config", tag = "tasks",
    summary = "Set Soft Deletion Queue Config", params(("warehouse_id" = Uuid, Path)), request_body = QueueConfig,
    responses((status = 204, description = "set"), (status = "4XX", body = ErrorResponse)))]
pub async fn set_soft_deletion_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(config): JsonBody<QueueConfig>,
) -> Result<StatusCode> {
    let queue = checked(&config)?;
    let set = |settings: &mut WarehouseSettings| {
        settings.soft_deletion = queue;
        Ok(())
    };
    change_settings(&app, &caller, id, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/task-queue/tabular_purge/config", tag = "tasks",
    summary = "Get Purge Queue Config", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, body = QueueConfig), (status = "4XX", body = ErrorResponse)))]
pub async fn get_purge_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<Json<QueueConfig>> {
    Ok(shown(settings(&app, &caller, id).await?.tabular_purge))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/task-queue/tabular_purge/config", tag = "tasks",
    summary = "Set Purge Queue Config", params(("warehouse_id" = Uuid, Path)), request_body = QueueConfig,
    responses((status = 204, description = "set"), (status = "4XX", body = ErrorResponse)))]
pub async fn set_purge_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(config): JsonBody<QueueConfig>,
) -> Result<StatusCode> {
    let queue = checked(&config)?;
    let set = |settings: &mut WarehouseSettings| {
        settings.tabular_purge = queue;
        Ok(())
    };
    change_settings(&app, &caller, id, set).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings(app: &App, caller: &Caller, id: WarehouseId) -> Result<WarehouseSettings> {
    let (warehouse, _) = warehouse_for(app, caller, id, Action::WarehouseListTasks).await?;
    WarehouseSettings::from_stored(&warehouse.settings)
}

fn shown(queue: QueueSettings) -> Json<QueueConfig> {
    Json(QueueConfig {
        max_seconds_since_last_heartbeat: queue.max_seconds_since_last_heartbeat,
        queue_config: NothingToSet {},
    })
}

/// The bounds of `[tasks] lease_s`, so that no warehouse can make its work wait for ever or be done twice at once.
const HEARTBEAT_SECONDS: std::ops::RangeInclusive<i64> = 5..=3_600;

fn checked(config: &QueueConfig) -> Result<QueueSettings> {
    let max_seconds_since_last_heartbeat = checked_heartbeat(config.max_seconds_since_last_heartbeat)?;
    Ok(QueueSettings { max_seconds_since_last_heartbeat })
}

/// The bound on a worker's silence as it was sent, or the 400 of one out of bounds.
pub fn checked_heartbeat(seconds: Option<i64>) -> Result<Option<i64>> {
    match seconds {
        Some(seconds) if !HEARTBEAT_SECONDS.contains(&seconds) => Err(Error::BadRequest(format!(
            "`max-seconds-since-last-heartbeat` is {} to {}, found {seconds}",
            HEARTBEAT_SECONDS.start(),
            HEARTBEAT_SECONDS.end()
        ))),
        seconds => Ok(seconds),
    }
}
