//! Tasks as the management API shows them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::durations::Span;
use super::task_list::Status;
use super::times::Timestamp;
use crate::error::{Error, Result};
use crate::store::rows::{Task, TaskAttempt, TaskStatus};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WarehouseTaskInfo {
    pub task_id: Uuid,
    pub project_id: String,
    pub warehouse_id: Uuid,
    pub queue_name: String,
    /// What the task works on; none for work on the whole warehouse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<TaskEntity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_name: Option<Vec<String>>,
    pub status: Status,
    pub scheduled_for: Timestamp,
    /// How often it was picked up.
    pub attempt: i64,
    /// 0 to 1.
    pub progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picked_up_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_task_id: Option<Uuid>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[schema(as = WarehouseTaskEntityId)]
pub enum TaskEntity {
    Table { table_id: Uuid },
    View { view_id: Uuid },
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GetTaskDetailsResponse {
    #[serde(flatten)]
    pub info: WarehouseTaskInfo,
    #[serde(flatten)]
    pub details: TaskDetails,
}

/// What is told of one task beyond what a listing shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TaskDetails {
    /// What the task was asked to do.
    #[schema(value_type = Object)]
    pub task_data: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub execution_details: Option<serde_json::Value>,
    /// How the last attempt ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Finished attempts, the newest first.
    pub attempts: Vec<Attempt>,
}

/// A task of a project that belongs to none of its warehouses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProjectTaskInfo {
    pub task_id: Uuid,
    pub project_id: String,
    pub queue_name: String,
    pub status: Status,
    pub scheduled_for: Timestamp,
    /// How often it was picked up.
    pub attempt: i64,
    /// 0 to 1.
    pub progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picked_up_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_task_id: Option<Uuid>,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GetProjectTaskDetailsResponse {
    #[serde(flatten)]
    pub info: ProjectTaskInfo,
    #[serde(flatten)]
    pub details: TaskDetails,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TaskAttempt)]
pub struct Attempt {
    pub attempt: i64,
    pub status: Status,
    pub scheduled_for: Timestamp,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// ISO 8601, e.g. `PT1.5S`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    pub progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

pub fn task_info(task: &Task) -> WarehouseTaskInfo {
    let entity = match task.entity_kind.as_str() {
        "table" => Some(TaskEntity::Table { table_id: task.entity_id }),
        "view" => Some(TaskEntity::View { view_id: task.entity_id }),
        _ => None,
    };
    WarehouseTaskInfo {
        task_id: task.id.0,
        project_id: task.project_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        warehouse_id: task.warehouse_id.map(|id| id.0).unwrap_or_default(),
        queue_name: task.queue.clone(),
        entity_name: entity.is_some().then(|| serde_json::from_str(&task.entity_name).unwrap_or_default()),
        entity,
        status: task.status.into(),
        scheduled_for: Timestamp(task.scheduled_for_ms),
        attempt: task.attempt,
        progress: task.progress,
        picked_up_at: task.picked_up_at_ms.map(Timestamp),
        last_heartbeat_at: task.heartbeat_at_ms.map(Timestamp),
        parent_task_id: task.parent_id.map(|id| id.0),
        created_at: Timestamp(task.created_at_ms),
        updated_at: task.updated_at_ms.map(Timestamp),
    }
}

pub fn project_task_info(task: &Task) -> ProjectTaskInfo {
    ProjectTaskInfo {
        task_id: task.id.0,
        project_id: task.project_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        queue_name: task.queue.clone(),
        status: task.status.into(),
        scheduled_for: Timestamp(task.scheduled_for_ms),
        attempt: task.attempt,
        progress: task.progress,
        picked_up_at: task.picked_up_at_ms.map(Timestamp),
        last_heartbeat_at: task.heartbeat_at_ms.map(Timestamp),
        parent_task_id: task.parent_id.map(|id| id.0),
        created_at: Timestamp(task.created_at_ms),
        updated_at: task.updated_at_ms.map(Timestamp),
    }
}

/// The task with its last attempts, the newest first.
pub fn task_details(task: &Task, attempts: &[TaskAttempt], shown: usize) -> Result<TaskDetails> {
    Ok(TaskDetails {
        task_data: serde_json::from_str(&task.payload).map_err(Error::internal)?,
        execution_details: task.details.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?,
        message: attempts.first().and_then(|last| last.message.clone()),
        attempts: attempts.iter().take(shown).map(|attempt| attempt_info(task, attempt)).collect(),
    })
}

fn attempt_info(task: &Task, attempt: &TaskAttempt) -> Attempt {
    let status = match attempt.status {
        // An attempt that will be followed by another one has failed.
        TaskStatus::Scheduled => TaskStatus::Failed,
        ended => ended,
    };
    Attempt {
        attempt: attempt.attempt,
        status: status.into(),
        scheduled_for: Timestamp(task.scheduled_for_ms),
        created_at: Timestamp(task.created_at_ms),
        started_at: attempt.started_at_ms.map(Timestamp),
        duration: attempt.started_at_ms.map(|start| Span((attempt.finished_at_ms - start).max(0)).text()),
        progress: attempt.progress,
        message: attempt.message.clone(),
    }
}
