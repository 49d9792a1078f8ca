//! What may be done to background work: stop it, end it, hurry it.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::times::Timestamp;
use crate::app::App;
use crate::catalog::ids::TaskId;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::Task;
use crate::tasks;

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
    /// Ends a task for good; a running one at its worker's next heartbeat. Housekeeping comes round again.
    Cancel,
    /// Makes scheduled tasks due now.
    RunNow,
    /// Makes scheduled tasks due at another time.
    RunAt { scheduled_for: Timestamp },
}

/// How many tasks one request controls at the most, as in the contract.
const CONTROLLED_MAX: usize = 100;

impl ControlTasksRequest {
    /// The tasks that are named; 404 where one of them is not `within`.
    pub async fn tasks(&self, app: &App, within: impl Fn(&Task) -> bool) -> Result<Vec<Task>> {
        if self.task_ids.is_empty() || self.task_ids.len() > CONTROLLED_MAX {
            return Err(Error::BadRequest(format!(
                "`task-ids` names 1 to {CONTROLLED_MAX} tasks, found {}",
                self.task_ids.len()
            )));
        }
        let mut tasks = Vec::with_capacity(self.task_ids.len());
        for id in &self.task_ids {
            tasks.push(task_within(app, TaskId(*id), &within).await?);
        }
        Ok(tasks)
    }
}

/// A task that lies within what the caller may look at, or the 404 of one that does not.
pub async fn task_within(app: &App, id: TaskId, within: impl Fn(&Task) -> bool) -> Result<Task> {
    let found = app.store.task(id).await?.filter(within);
    found.ok_or_else(|| Error::NotFound(format!("Task does not exist: {id}")))
}

/// Does the same to all of them, or to none.
pub async fn control(app: &App, permit: &Permit, tasks: &[Task], action: ControlTaskAction) -> Result<()> {
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(permit).await?;
    for task in tasks {
        match action {
            ControlTaskAction::Stop => {
                writer.revoke_task(task.id, now_ms).await?;
            }
            ControlTaskAction::Cancel => cancel(&mut writer, task, now_ms).await?,
            ControlTaskAction::RunNow => {
                writer.reschedule_task(task.id, now_ms, now_ms).await?;
            }
            ControlTaskAction::RunAt { scheduled_for } => {
                writer.reschedule_task(task.id, scheduled_for.0, now_ms).await?;
            }
        }
    }
    writer.commit().await
}

/// The worker of a running task sees to what comes after it; nobody else does for one that waits.
async fn cancel(writer: &mut Writer, task: &Task, now_ms: i64) -> Result<()> {
    if writer.cancel_task(task.id, now_ms).await? {
        return tasks::schedule_next(writer, task, now_ms).await;
    }
    writer.stop_task(task.id, now_ms).await.map(drop)
}
