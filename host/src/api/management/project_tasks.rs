//! Background work of a project that belongs to none of its warehouses: list it, look at it, control it, set it up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::durations::Span;
use super::extract::{Ids, InProject, project_for};
use super::task_bodies::{GetProjectTaskDetailsResponse, ProjectTaskInfo, project_task_info, task_details};
use super::task_control::{ControlTasksRequest, control, task_within};
use super::task_list::{Status, Wanted, Whose};
use super::task_queues::checked_heartbeat;
use super::tasks::DetailsQuery;
use super::times::Timestamp;
use crate::api::authorize::missing;
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::listing::PageQuery;
use crate::api::project_settings::{ProjectSettings, TaskLogCleanup};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{ProjectId, TaskId};
use crate::error::Result;
use crate::store::rows::Task;
use crate::tasks::project_cleanup;
use crate::tasks::queue::Queue;

/// Which tasks to list; what is left out does not narrow the list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListProjectTasksRequest {
    pub queue_name: Option<Vec<String>>,
    pub status: Option<Vec<Status>>,
    pub created_after: Option<Timestamp>,
    pub created_before: Option<Timestamp>,
    pub page_token: Option<String>,
    pub page_size: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListProjectTasksResponse {
    pub tasks: Vec<ProjectTaskInfo>,
    pub next_page_token: Option<String>,
}

#[utoipa::path(post, path = "/management/v1/project/task/list", tag = "tasks",
    summary = "List active and historic Project-level tasks.",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    request_body = ListProjectTasksRequest,
    responses((status = 200, body = ListProjectTasksResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_project_tasks(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(id): InProject,
    JsonBody(request): JsonBody<ListProjectTasksRequest>,
) -> Result<Json<ListProjectTasksResponse>> {
    project_for(&app, &caller, &id, Action::ProjectListTasks).await?;
    let wanted = Wanted {
        whose: Whose::Project(id),
        queues: request.queue_name.unwrap_or_default(),
        statuses: request.status.unwrap_or_default(),
        entities: Vec::new(),
        created_after: request.created_after,
        created_before: request.created_before,
    };
    let page = PageQuery::new(request.page_token, request.page_size);
    let (tasks, next_page_token) = wanted.page(&app, &caller, &page, project_task_info).await?;
    Ok(Json(ListProjectTasksResponse { tasks, next_page_token }))
}

#[utoipa::path(get, path = "/management/v1/project/task/by-id/{task_id}", tag = "tasks",
    summary = "Get Details about a specific Project-level task by its ID.",
    params(("task_id" = Uuid, Path), ("numAttempts" = Option<u32>, Query),
        ("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 200, body = GetProjectTaskDetailsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_project_task_details(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    Ids(id): Ids<TaskId>,
    QueryOf(query): QueryOf<DetailsQuery>,
) -> Result<Json<GetProjectTaskDetailsResponse>> {
    project_for(&app, &caller, &project, Action::ProjectListTasks).await?;
    let task = task_within(&app, id, of(&project)).await?;
    let attempts = app.store.task_attempts(id).await?;
    let details = task_details(&task, &attempts, query.attempts)?;
    Ok(Json(GetProjectTaskDetailsResponse { info: project_task_info(&task), details }))
}

#[utoipa::path(post, path = "/management/v1/project/task/control", tag = "tasks",
    summary = "Control a set of Project-level tasks by their IDs (e.g., cancel, request stop, run now)",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    request_body = ControlTasksRequest,
    responses((status = 204, description = "done"), (status = "4XX", body = ErrorResponse)))]
pub async fn control_project_tasks(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    JsonBody(request): JsonBody<ControlTasksRequest>,
) -> Result<StatusCode> {
    let (_, permit) = project_for(&app, &caller, &project, Action::ProjectControlTasks).await?;
    let tasks = request.tasks(&app, of(&project)).await?;
    control(&app, &permit, &tasks, request.action).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn of(project: &ProjectId) -> impl Fn(&Task) -> bool {
    move |task| task.warehouse_id.is_none() && task.project_id.as_ref() == Some(project)
}

/// The configuration of a project's clean-up of finished tasks, its warehouses' included.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TaskLogCleanupQueueConfig {
    /// A worker that stays silent for longer is taken for dead; the server's own bound when left out.
    pub max_seconds_since_last_heartbeat: Option<i64>,
    pub queue_config: TaskLogCleanupConfig,
}

/// An answer says what holds; in a request, what is left out goes back to how it is when nothing is set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TaskLogCleanupConfig {
    /// How long after one clean-up the next one is due: a day when left out, never less.
    pub cleanup_period: Option<Span>,
    /// How long a finished task is remembered: 90 days when left out.
    pub retention_period: Option<Span>,
}

#[utoipa::path(get, path = "/management/v1/project/task-queue/task_log_cleanup/config", tag = "tasks",
    summary = "Get the configuration for a Project-level Task Queue.",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 200, body = TaskLogCleanupQueueConfig), (status = "4XX", body = ErrorResponse)))]
pub async fn get_task_log_cleanup_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
) -> Result<Json<TaskLogCleanupQueueConfig>> {
    project_for(&app, &caller, &project, Action::ProjectListTasks).await?;
    let cleanup = project_cleanup::settings(&app, &project).await?;
    Ok(Json(TaskLogCleanupQueueConfig {
        max_seconds_since_last_heartbeat: cleanup.max_seconds_since_last_heartbeat,
        queue_config: TaskLogCleanupConfig {
            cleanup_period: Some(Span(cleanup.period_ms())),
            retention_period: Some(Span(cleanup.retention_ms())),
        },
    }))
}

#[utoipa::path(post, path = "/management/v1/project/task-queue/task_log_cleanup/config", tag = "tasks",
    summary = "Set the configuration for a Project-level Task Queue.",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    request_body = TaskLogCleanupQueueConfig,
    responses((status = 204, description = "set"), (status = "4XX", body = ErrorResponse)))]
pub async fn set_task_log_cleanup_config(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    JsonBody(config): JsonBody<TaskLogCleanupQueueConfig>,
) -> Result<StatusCode> {
    let (_, permit) = project_for(&app, &caller, &project, Action::ProjectControlTasks).await?;
    let cleanup = TaskLogCleanup::new(
        checked_heartbeat(config.max_seconds_since_last_heartbeat)?,
        config.queue_config.cleanup_period.map(|span| span.0),
        config.queue_config.retention_period.map(|span| span.0),
    );
    let settings = ProjectSettings { task_log_cleanup: cleanup };
    let now_ms = app.clock.now_ms();
    let waiting = app.store.active_task(Queue::TaskLogCleanup.as_str(), project_cleanup::entity_of(&project)).await?;
    let mut writer = app.store.begin(&permit).await?;
    if !writer.set_project_settings(&project, &settings.to_stored()?, now_ms).await? {
        return Err(missing::project(project.as_str()));
    }
    // A new period counts from now on, not from the end of the old one.
    if let Some(task) = waiting {
        writer.reschedule_task(task.id, now_ms + cleanup.period_ms(), now_ms).await?;
    }
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
