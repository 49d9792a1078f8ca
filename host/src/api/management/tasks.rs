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
use super::task_bodies::{GetTaskDetailsResponse, WarehouseTaskInfo, attempt_info, task_info};
use super::times::Timestamp;
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::{Listing, PageQuery};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{TaskId, WarehouseId};
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::store::rows::{Task, TaskFilter, TaskStatus};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = TaskStatus)]
pub enum Status {
    Running,
    Scheduled,
    Stopping,
    Cancelled,
    Success,
    Failed,
}

impl From<Status> for TaskStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Running => Self::Running,
            Status::Scheduled => Self::Scheduled,
            Status::Stopping => Self::Stopping,
            Status::Cancelled => Self::Cancelled,
            Status::Success => Self::Success,
            Status::Failed => Self::Failed,
        }
    }
}

impl From<TaskStatus> for Status {
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Running => Self::Running,
            TaskStatus::Scheduled => Self::Scheduled,
            TaskStatus::Stopping => Self::Stopping,
            TaskStatus::Cancelled => Self::Cancelled,
            TaskStatus::Success => Self::Success,
            TaskStatus::Failed => Self::Failed,
        }
    }
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
    let page = PageQuery::new(request.page_token.clone(), request.page_size);
    let wanted = Wanted::of(request)?;
    let filter = wanted.filter(id);
    let below = [id.to_string(), format!("{wanted:?}")];
    let below = below.each_ref().map(String::as_str);
    let of = page::Listing { what: "tasks", of: &below, caller: caller.id() };
    let mut listing = Listing::start(&app, &page, of)?;
    while let Some(limit) = listing.wanted() {
        let before = listing.after().map(str::parse::<TaskId>).transpose()?;
        let rows = app.store.tasks_page(&filter, before, limit).await?;
        let rows = rows.into_iter().map(|task| (task.id.to_string(), wanted.has(&task), task));
        listing.take(limit, rows.map(|(id, wanted, task)| (id, task, wanted)).collect(), |task| task_info(&task));
    }
    let (tasks, next_page_token) = listing.finish();
    Ok(Json(ListTasksResponse { tasks, next_page_token }))
}

/// A list request, as far as it narrows; an empty list does not.
#[derive(Debug)]
struct Wanted {
    queues: Vec<String>,
    statuses: Vec<Status>,
    entities: Vec<Uuid>,
    created_after_ms: Option<i64>,
    created_before_ms: Option<i64>,
}

impl Wanted {
    fn of(request: ListTasksRequest) -> Result<Self> {
        let entity_id = |entity: EntityFilter| match entity {
            EntityFilter::Table { table_id } => table_id,
            EntityFilter::View { view_id } => view_id,
        };
        let queues = request.queue_name.unwrap_or_default();
        if queues.iter().any(|queue| queue.contains('\0')) {
            return Err(Error::bad_request("a `queue-name` must not contain NUL; no queue has such a name"));
        }
        Ok(Self {
            queues,
            statuses: request.status.unwrap_or_default(),
            entities: request.entities.unwrap_or_default().into_iter().map(entity_id).collect(),
            created_after_ms: request.created_after.map(|after| after.0),
            created_before_ms: request.created_before.map(|before| before.0),
        })
    }

    /// What the store sorts out by itself: lists of one.
    fn filter(&self, warehouse: WarehouseId) -> TaskFilter {
        TaskFilter {
            project_id: None,
            warehouse_id: Some(warehouse),
            queue: only(&self.queues).cloned(),
            status: only(&self.statuses).map(|status| (*status).into()),
            entity_id: only(&self.entities).copied(),
            created_after_ms: self.created_after_ms,
            created_before_ms: self.created_before_ms,
        }
    }

    fn has(&self, task: &Task) -> bool {
        (self.queues.is_empty() || self.queues.contains(&task.queue))
            && (self.statuses.is_empty() || self.statuses.contains(&task.status.into()))
            && (self.entities.is_empty() || self.entities.contains(&task.entity_id))
    }
}

fn only<T>(list: &[T]) -> Option<&T> {
    match list {
        [only] => Some(only),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
pub struct DetailsQuery {
    /// How many earlier attempts to show.
    #[serde(rename = "numAttempts", default = "attempts_shown")]
    attempts: usize,
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
    let task = task_of(&app, warehouse, id).await?;
    let attempts = app.store.task_attempts(id).await?;
    Ok(Json(GetTaskDetailsResponse {
        info: task_info(&task),
        task_data: serde_json::from_str(&task.payload).map_err(Error::internal)?,
        execution_details: task.details.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?,
        message: attempts.first().and_then(|last| last.message.clone()),
        attempts: attempts.iter().take(query.attempts).map(|attempt| attempt_info(&task, attempt)).collect(),
    }))
}

async fn task_of(app: &App, warehouse: WarehouseId, id: TaskId) -> Result<Task> {
    let found = app.store.task(id).await?.filter(|task| task.warehouse_id == Some(warehouse));
    found.ok_or_else(|| Error::NotFound(format!("Task does not exist: {id}")))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ControlTasksRequest {
    pub action: ControlTaskAction,
    /// At most 100.
    pub task_ids: Vec<Uuid>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(tag = "action-type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum ControlTaskAction {
    /// Stops a running attempt at its worker's next heartbeat; the task is tried again when its lease would have run out.
    Stop,
    /// Ends a task for good; a running one at its worker's next heartbeat.
    Cancel,
    /// Makes scheduled tasks due now.
    RunNow,
    /// Makes scheduled tasks due at another time.
    RunAt { scheduled_for: Timestamp },
}

/// How many tasks one request controls at the most, as in the contract.
const CONTROLLED_MAX: usize = 100;

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
    if request.task_ids.is_empty() || request.task_ids.len() > CONTROLLED_MAX {
        return Err(Error::BadRequest(format!(
            "`task-ids` names 1 to {CONTROLLED_MAX} tasks, found {}",
            request.task_ids.len()
        )));
    }
    let mut ids = Vec::with_capacity(request.task_ids.len());
    for id in request.task_ids {
        ids.push(task_of(&app, warehouse, TaskId(id)).await?.id);
    }
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    for id in ids {
        match request.action {
            ControlTaskAction::Stop => {
                writer.revoke_task(id, now_ms).await?;
            }
            ControlTaskAction::Cancel => {
                let waited = writer.cancel_task(id, now_ms).await?;
                if !waited {
                    writer.stop_task(id, now_ms).await?;
                }
            }
            ControlTaskAction::RunNow => {
                writer.reschedule_task(id, now_ms, now_ms).await?;
            }
            ControlTaskAction::RunAt { scheduled_for } => {
                writer.reschedule_task(id, scheduled_for.0, now_ms).await?;
            }
        }
    }
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
