//! Background work as it is read.

use uuid::Uuid;

use super::Store;
use super::engine::{record, rows};
use super::rows::{Task, TaskAttempt, TaskFilter, TaskStatus};
use crate::catalog::ids::{ProjectId, TaskId, WarehouseId};
use crate::error::{Error, Result};

record! {
    pub(super) struct TaskRecord {
        id: Uuid,
        queue: String,
        project_id: Option<String>,
        warehouse_id: Option<Uuid>,
        entity_id: Uuid,
        entity_kind: String,
        entity_name: String,
        status: String,
        scheduled_for_ms: i64,
        attempt: i64,
        lease_id: Option<Uuid>,
        lease_until_ms: Option<i64>,
        picked_up_at_ms: Option<i64>,
        heartbeat_at_ms: Option<i64>,
        finished_at_ms: Option<i64>,
        progress: f64,
        payload: String,
        details: Option<String>,
        parent_id: Option<Uuid>,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
    }
}

impl TaskRecord {
    pub(super) fn into_row(self) -> Result<Task> {
        Ok(Task {
            id: TaskId(self.id),
            queue: self.queue,
            project_id: self.project_id.as_deref().map(ProjectId::parse).transpose()?,
            warehouse_id: self.warehouse_id.map(WarehouseId),
            entity_id: self.entity_id,
            entity_kind: self.entity_kind,
            entity_name: self.entity_name,
            status: status(&self.status)?,
            scheduled_for_ms: self.scheduled_for_ms,
            attempt: self.attempt,
            lease_id: self.lease_id,
            lease_until_ms: self.lease_until_ms,
            picked_up_at_ms: self.picked_up_at_ms,
            heartbeat_at_ms: self.heartbeat_at_ms,
            finished_at_ms: self.finished_at_ms,
            progress: self.progress,
            payload: self.payload,
            details: self.details,
            parent_id: self.parent_id.map(TaskId),
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        })
    }
}

fn status(text: &str) -> Result<TaskStatus> {
    TaskStatus::named(text)
        .ok_or_else(|| Error::internal(anyhow::anyhow!("the ledger holds a task of the unknown status `{text}`")))
}

record! {
    struct AttemptRecord {
        attempt: i64,
        status: String,
        started_at_ms: Option<i64>,
        finished_at_ms: i64,
        progress: f64,
        message: Option<String>,
    }
}

impl Store {
    /// `None` where there is no such task.
    pub async fn task(&self, id: TaskId) -> Result<Option<Task>> {
        let mut lease = self.read("task").await?;
        let found = rows!(
            lease,
            fetch_optional,
            TaskRecord,
            "SELECT id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status, scheduled_for_ms,
                    attempt, lease_id, lease_until_ms, picked_up_at_ms, heartbeat_at_ms, finished_at_ms, progress,
                    payload, details, parent_id, created_at_ms, updated_at_ms
             FROM tasks
             WHERE id = $1",
            id.0
        )?;
        found.map(TaskRecord::into_row).transpose()
    }

    /// The unfinished task of a queue that works on an entity.
    pub async fn active_task(&self, queue: &str, entity_id: Uuid) -> Result<Option<Task>> {
        let mut lease = self.read("active_task").await?;
        let found = rows!(
            lease,
            fetch_optional,
            TaskRecord,
            "SELECT id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status, scheduled_for_ms,
                    attempt, lease_id, lease_until_ms, picked_up_at_ms, heartbeat_at_ms, finished_at_ms, progress,
                    payload, details, parent_id, created_at_ms, updated_at_ms
             FROM tasks
             WHERE queue = $1 AND entity_id = $2 AND status IN ('scheduled', 'running', 'stopping')",
            queue,
            entity_id
        )?;
        found.map(TaskRecord::into_row).transpose()
    }

    /// Tasks that pass the filter, the newest first, before the given one.
    pub async fn tasks_page(&self, filter: &TaskFilter, before: Option<TaskId>, limit: u32) -> Result<Vec<Task>> {
        let mut lease = self.list("tasks_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            TaskRecord,
            "SELECT id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status, scheduled_for_ms,
                    attempt, lease_id, lease_until_ms, picked_up_at_ms, heartbeat_at_ms, finished_at_ms, progress,
                    payload, details, parent_id, created_at_ms, updated_at_ms
             FROM tasks
             WHERE id < $1
               AND (warehouse_id = $2 OR $2 IS NULL)
               AND (project_id = $3 OR $3 IS NULL)
               AND (queue = $4 OR $4 IS NULL)
               AND (status = $5 OR $5 IS NULL)
               AND (entity_id = $6 OR $6 IS NULL)
               AND created_at_ms >= $7
               AND created_at_ms <= $8
               AND (warehouse_id IS NULL OR NOT $10)
             ORDER BY id DESC
             LIMIT $9",
            before.map_or(Uuid::max(), |id| id.0),
            filter.warehouse_id.map(|id| id.0),
            filter.project_id.as_ref().map(ProjectId::as_str),
            filter.queue.as_deref(),
            filter.status.map(TaskStatus::as_str),
            filter.entity_id,
            filter.created_after_ms.unwrap_or(i64::MIN),
            filter.created_before_ms.unwrap_or(i64::MAX),
            i64::from(limit),
            filter.outside_warehouses
        )?;
        found.into_iter().map(TaskRecord::into_row).collect()
    }

    /// The finished tries of a task, the newest first; at most the last 100.
    pub async fn task_attempts(&self, id: TaskId) -> Result<Vec<TaskAttempt>> {
        let mut lease = self.list("task_attempts").await?;
        let found = rows!(
            lease,
            fetch_all,
            AttemptRecord,
            "SELECT attempt, status, started_at_ms, finished_at_ms, progress, message
             FROM task_attempts
             WHERE task_id = $1
             ORDER BY finished_at_ms DESC, attempt DESC
             LIMIT 100",
            id.0
        )?;
        let attempt = |record: AttemptRecord| {
            Ok(TaskAttempt {
                attempt: record.attempt,
                status: status(&record.status)?,
                started_at_ms: record.started_at_ms,
                finished_at_ms: record.finished_at_ms,
                progress: record.progress,
                message: record.message,
            })
        };
        found.into_iter().map(attempt).collect()
    }
}
