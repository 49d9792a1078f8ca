//! Background work as it is queued, claimed, finished or controlled.

use uuid::Uuid;

use super::Writer;
use super::engine::{rows, run};
use super::rows::{NewTask, Task, TaskOutcome, TaskReport, TaskStatus};
use super::tasks::TaskRecord;
use crate::catalog::ids::{ProjectId, TaskId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::Result;

impl Writer {
    /// `false` where the queue holds an unfinished task of the entity already.
    pub async fn enqueue_task(&mut self, task: &NewTask) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO tasks (id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status,
                                scheduled_for_ms, attempt, progress, payload, parent_id, created_at_ms, location)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'scheduled', $8, 0, 0.0, $9, $10, $11, $12)
             ON CONFLICT DO NOTHING",
            task.id.0,
            task.queue.as_str(),
            task.project_id.as_ref().map(ProjectId::as_str),
            task.warehouse_id.map(|id| id.0),
            task.entity_id,
            task.entity_kind.as_str(),
            task.entity_name.as_str(),
            task.scheduled_for_ms,
            task.payload.as_str(),
            task.parent_id.map(|id| id.0),
            task.now_ms,
            task.location.as_ref().map(Location::prefix)
        )?;
        Ok(touched == 1)
    }

    /// Takes up to `limit` due tasks of a queue, oldest first, also those whose holder let the lease run out.
    ///
    /// No two claims get the same task: whoever comes second finds it changed, so it does not come back.
    pub async fn claim_tasks(&mut self, queue: &str, now_ms: i64, lease_ms: i64, limit: u32) -> Result<Vec<Task>> {
        let claimed = rows!(
            self,
            fetch_all,
            TaskRecord,
            "UPDATE tasks
             SET status = 'running', attempt = attempt + 1, lease_id = $4, lease_until_ms = $3, picked_up_at_ms = $2,
                 heartbeat_at_ms = $2, progress = 0.0, updated_at_ms = $2
             WHERE ((status = 'scheduled' AND scheduled_for_ms <= $2) OR (status = 'running' AND lease_until_ms < $2))
               AND id IN (SELECT id
                          FROM tasks
                          WHERE queue = $1 AND status IN ('scheduled', 'running', 'stopping')
                            AND ((status = 'scheduled' AND scheduled_for_ms <= $2)
                                 OR (status = 'running' AND lease_until_ms < $2))
                          ORDER BY scheduled_for_ms, id
                          LIMIT $5)
             RETURNING id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status,
                       scheduled_for_ms, attempt, lease_id, lease_until_ms, picked_up_at_ms, heartbeat_at_ms,
                       finished_at_ms, progress, payload, details, parent_id, created_at_ms, updated_at_ms",
            queue,
            now_ms,
            now_ms.saturating_add(lease_ms),
            Uuid::now_v7(),
            i64::from(limit)
        )?;
        self.end_abandoned_tasks(queue, now_ms).await?;
        let mut tasks = claimed.into_iter().map(TaskRecord::into_row).collect::<Result<Vec<Task>>>()?;
        tasks.sort_by_key(|task| (task.scheduled_for_ms, task.id));
        Ok(tasks)
    }

    /// A task that was asked to stop, whose holder is gone, has stopped.
    async fn end_abandoned_tasks(&mut self, queue: &str, now_ms: i64) -> Result<()> {
        run!(
            self,
            "UPDATE tasks
             SET status = 'cancelled', lease_id = NULL, lease_until_ms = NULL, finished_at_ms = $2, updated_at_ms = $2
             WHERE queue = $1 AND status = 'stopping' AND lease_until_ms < $2",
            queue,
            now_ms
        )?;
        Ok(())
    }

    /// Keeps a claimed task, reports on it. `None` where the lease was lost, so that the work must stop; otherwise the
    /// status, which says whether somebody asked it to stop.
    pub async fn heartbeat(&mut self, task: &Task, report: &TaskReport<'_>, now_ms: i64) -> Result<Option<TaskStatus>> {
        let kept = rows!(
            self,
            fetch_optional,
            TaskRecord,
            "UPDATE tasks
             SET lease_until_ms = $3, heartbeat_at_ms = $4, progress = $5, details = COALESCE($6, details),
                 updated_at_ms = $4
             WHERE id = $1 AND lease_id = $2 AND status IN ('running', 'stopping')
             RETURNING id, queue, project_id, warehouse_id, entity_id, entity_kind, entity_name, status,
                       scheduled_for_ms, attempt, lease_id, lease_until_ms, picked_up_at_ms, heartbeat_at_ms,
                       finished_at_ms, progress, payload, details, parent_id, created_at_ms, updated_at_ms",
            task.id.0,
            task.lease_id,
            report.lease_until_ms,
            now_ms,
            report.progress,
            report.details
        )?;
        Ok(kept.map(TaskRecord::into_row).transpose()?.map(|task| task.status))
    }

    /// Ends an attempt, remembers how it went. `false` where the lease was lost: then nothing is recorded.
    pub async fn finish_task(&mut self, task: &Task, outcome: &TaskOutcome, now_ms: i64) -> Result<bool> {
        let (status, next, message, at_ms) = match outcome {
            TaskOutcome::Success => (TaskStatus::Success, TaskStatus::Success, None, None),
            TaskOutcome::Cancelled => (TaskStatus::Cancelled, TaskStatus::Cancelled, None, None),
            TaskOutcome::Failed { message } => (TaskStatus::Failed, TaskStatus::Failed, Some(message), None),
            TaskOutcome::Retry { message, at_ms } => {
                (TaskStatus::Failed, TaskStatus::Scheduled, Some(message), Some(*at_ms))
            }
        };
        let finished_at_ms = at_ms.is_none().then_some(now_ms);
        // A retry of what somebody asked to stop meanwhile is not wanted any more.
        let touched = run!(
            self,
            "UPDATE tasks
             SET status = CASE WHEN status = 'stopping' AND $3 = 'scheduled' THEN 'cancelled' ELSE $3 END,
                 scheduled_for_ms = COALESCE($4, scheduled_for_ms), lease_id = NULL, lease_until_ms = NULL,
                 progress = CASE WHEN $3 = 'success' THEN 1.0 ELSE progress END,
                 finished_at_ms = CASE WHEN status = 'stopping' AND $3 = 'scheduled' THEN CAST($6 AS BIGINT)
                     ELSE CAST($5 AS BIGINT) END,
                 updated_at_ms = $6
             WHERE id = $1 AND lease_id = $2",
            task.id.0,
            task.lease_id,
            next.as_str(),
            at_ms,
            finished_at_ms,
            now_ms
        )?;
        if touched == 0 {
            return Ok(false);
        }
        let progress = if status == TaskStatus::Success { 1.0 } else { task.progress };
        run!(
            self,
            "INSERT INTO task_attempts (task_id, attempt, status, started_at_ms, finished_at_ms, progress, message)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING",
            task.id.0,
            task.attempt,
            status.as_str(),
            task.picked_up_at_ms,
            now_ms,
            progress,
            message.map(String::as_str)
        )?;
        Ok(true)
    }

    /// Takes a running task from its holder, who learns it from its next heartbeat; when the lease would have run out,
    /// another try begins. `false` where it does not run.
    pub async fn revoke_task(&mut self, id: TaskId, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tasks
             SET lease_id = $2, updated_at_ms = $3
             WHERE id = $1 AND status = 'running'",
            id.0,
            Uuid::now_v7(),
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Asks a running task to end for good; its holder learns it from its next heartbeat. `false` where it does not run.
    pub async fn stop_task(&mut self, id: TaskId, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tasks
             SET status = 'stopping', updated_at_ms = $2
             WHERE id = $1 AND status = 'running'",
            id.0,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Cancels a task that waits; `false` where it runs or is over.
    pub async fn cancel_task(&mut self, id: TaskId, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tasks
             SET status = 'cancelled', finished_at_ms = $2, updated_at_ms = $2
             WHERE id = $1 AND status = 'scheduled'",
            id.0,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Lets a waiting task run at another time; `false` where it does not wait.
    pub async fn reschedule_task(&mut self, id: TaskId, at_ms: i64, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tasks
             SET scheduled_for_ms = $2, updated_at_ms = $3
             WHERE id = $1 AND status = 'scheduled'",
            id.0,
            at_ms,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Cancels the waiting task of a queue that works on an entity; `false` where none waits.
    pub async fn cancel_entity_task(&mut self, queue: &str, entity_id: Uuid, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE tasks
             SET status = 'cancelled', finished_at_ms = $3, updated_at_ms = $3
             WHERE queue = $1 AND entity_id = $2 AND status = 'scheduled'",
            queue,
            entity_id,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Whether a warehouse has unfinished tasks, which would find it gone.
    pub async fn has_active_tasks(&mut self, warehouse: WarehouseId) -> Result<bool> {
        let found = rows!(
            self,
            fetch_optional,
            (i64,),
            "SELECT created_at_ms
             FROM tasks
             WHERE warehouse_id = $1 AND status IN ('scheduled', 'running', 'stopping')
             LIMIT 1",
            warehouse.0
        )?;
        Ok(found.is_some())
    }

    /// Forgets tasks of a project, its warehouses' included, that were over before a time; without a project those of
    /// none, or of one that is gone. At most `limit` at a time; says how many that were.
    pub async fn delete_finished_tasks(
        &mut self,
        project: Option<&ProjectId>,
        before_ms: i64,
        limit: u32,
    ) -> Result<u64> {
        run!(
            self,
            "DELETE FROM tasks
             WHERE id IN (SELECT id
                          FROM tasks
                          WHERE status IN ('success', 'failed', 'cancelled') AND finished_at_ms < $1
                            AND (project_id = $3
                                 OR ($3 IS NULL AND NOT EXISTS (SELECT 1
                                                                FROM projects
                                                                WHERE projects.id = tasks.project_id)))
                          ORDER BY id
                          LIMIT $2)",
            before_ms,
            i64::from(limit),
            project.map(ProjectId::as_str)
        )
    }
}
