//! Background work of a warehouse: list it, look at it, stop or hurry it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::task_bodies::{GetTaskDetailsResponse, WarehouseTaskInfo, task_details, task_info};
use super::task_control::{ControlTasksRequest, control, task_within};
use super::task_list::{Status, Wanted, Whose};
use super::times::Timestamp;
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::PageQuery;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{TaskId, WarehouseId};
use crate::error::Result;
use crate::store::rows::Task;

/// Which tasks to list; what is left out does not narrow the list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListTasksRequest {
    pub queue_name: Option<Vec<String>>,
    pub status: Option<Vec<Status>>,
    pub entities: Option<Vec<EntityFilter>>,
    pub created_after: Option<Timestamp>,
    pub created_before: Option<Timestamp>,
    pub page_token: Option<String>,
    pub page_size: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[schema(as = WarehouseTaskEntityFilter)]
pub enum EntityFilter {
    Table { table_id: Uuid },
    View { view_id: Uuid },
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListTasksResponse {
    pub tasks: Vec<WarehouseTaskInfo>,
    pub next_page_token: Option<String>,
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/task/list", tag = "tasks",
    summary = "List active and historic tasks.", params(("warehouse_id" = Uuid, Path)),
    request_body = ListTasksRequest,
    responses((status = 200, body = ListTasksResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_tasks(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<ListTasksRequest>,
) -> Result<Json<ListTasksResponse>> {
    warehouse_for(&app, &caller, id, Action::WarehouseListTasks).await?;
    let entity_id = |entity: EntityFilter| match entity {
        EntityFilter::Table { table_id } => table_id,
        EntityFilter::View { view_id } => view_id,
    };
    let wanted = Wanted {
        whose: Whose::Warehouse(id),
        queues: request.queue_name.unwrap_or_default(),
        statuses: request.status.unwrap_or_default(),
        entities: request.entities.unwrap_or_default().into_iter().map(entity_id).collect(),
        created_after: request.created_after,
        created_before: request.created_before,
    };
    let page = PageQuery::new(request.page_token, request.page_size);
    let (tasks, next_page_token) = wanted.page(&app, &caller, &page, task_info).await?;
    Ok(Json(ListTasksResponse { tasks, next_page_token }))
}

/// How much is told of a task.
#[derive(Debug, Deserialize)]
pub struct DetailsQuery {
    /// How many earlier attempts to show.
    #[serde(rename = "numAttempts", default = "attempts_shown")]
    pub attempts: usize,
}

const fn attempts_shown() -> usize {
    5
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/task/by-id/{task_id}", tag = "tasks",
    summary = "Get Details about a specific task by its ID.",
    params(("warehouse_id" = Uuid, Path), ("task_id" = Uuid, Path), ("numAttempts" = Option<u32>, Query)),
    responses((status = 200, body = GetTaskDetailsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_task_details(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids((warehouse, id)): Ids<(WarehouseId, TaskId)>,
    QueryOf(query): QueryOf<DetailsQuery>,
) -> Result<Json<GetTaskDetailsResponse>> {
    warehouse_for(&app, &caller, warehouse, Action::WarehouseListTasks).await?;
    let task = task_within(&app, id, of(warehouse)).await?;
    let attempts = app.store.task_attempts(id).await?;
    let details = task_details(&task, &attempts, query.attempts)?;
    Ok(Json(GetTaskDetailsResponse { info: task_info(&task), details }))
}

fn of(warehouse: WarehouseId) -> impl Fn(&Task) -> bool {
    move |task| task.warehouse_id == Some(warehouse)
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/task/control", tag = "tasks",
    summary = "Control a set of tasks by their IDs (e.g., cancel, request stop, run now)",
    params(("warehouse_id" = Uuid, Path)), request_body = ControlTasksRequest,
    responses((status = 204, description = "done"), (status = "4XX", body = ErrorResponse)))]
pub async fn control_tasks(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(warehouse): Ids<WarehouseId>,
    JsonBody(request): JsonBody<ControlTasksRequest>,
) -> Result<StatusCode> {
    let (_, permit) = warehouse_for(&app, &caller, warehouse, Action::WarehouseControlTasks).await?;
    let tasks = request.tasks(&app, of(warehouse)).await?;
    control(&app, &permit, &tasks, request.action).await?;
    Ok(StatusCode::NO_CONTENT)
}
