//! The clean-up of finished tasks, as each project has it set up.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::queue::Queue;
use crate::api::project_settings::{ProjectSettings, TaskLogCleanup};
use crate::app::App;
use crate::catalog::ids::{ProjectId, TaskId};
use crate::error::Result;
use crate::store::rows::NewTask;

/// What was set of it.
pub async fn settings(app: &App, project: &ProjectId) -> Result<TaskLogCleanup> {
    let text = app.store.project_settings(project).await?;
    Ok(ProjectSettings::from_stored(text.as_deref())?.task_log_cleanup)
}

/// The next time at which a project forgets.
pub fn next(project: &ProjectId, cleanup: TaskLogCleanup, now_ms: i64) -> NewTask {
    NewTask {
        id: TaskId::new(),
        queue: Queue::TaskLogCleanup.as_str().to_owned(),
        project_id: Some(project.clone()),
        warehouse_id: None,
        entity_id: entity_of(project),
        entity_kind: "project".to_owned(),
        entity_name: "[]".to_owned(),
        scheduled_for_ms: now_ms + cleanup.period_ms(),
        payload: "{}".to_owned(),
        location: None,
        parent_id: None,
        now_ms,
    }
}

/// A project's id is any text, what a task works on has 16 bytes: the first of the text's digest.
pub fn entity_of(project: &ProjectId) -> Uuid {
    let digest = Sha256::digest(project.as_str());
    digest.first_chunk().map_or(Uuid::nil(), |bytes: &[u8; 16]| Uuid::from_bytes(*bytes))
}
