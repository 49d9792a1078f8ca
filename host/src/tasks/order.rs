//! Orders to the background work, as tasks to enqueue beside the change that causes them.

use uuid::Uuid;

use super::queue::Queue;
use crate::catalog::ids::{ProjectId, TaskId};
use crate::error::{Error, Result};
use crate::store::rows::{NewTask, Tabular};

/// The kind of entity of work that is about files, of which a table can have many pieces waiting.
const FILES: &str = "files";

/// What is to be done, when.
pub struct Order<'a> {
    pub project: &'a ProjectId,
    pub queue: Queue,
    /// JSON.
    pub payload: String,
    pub scheduled_for_ms: i64,
}

impl Order<'_> {
    /// A task about one table or view; a queue holds one unfinished task of it.
    pub fn about(self, tabular: &Tabular, now_ms: i64) -> Result<NewTask> {
        self.task(tabular, (tabular.id.0, tabular.kind.as_str()), now_ms)
    }

    /// A task about one of many pieces of work on a table; `piece` tells them apart.
    pub fn about_piece(self, tabular: &Tabular, piece: Uuid, now_ms: i64) -> Result<NewTask> {
        self.task(tabular, (piece, FILES), now_ms)
    }

    fn task(self, tabular: &Tabular, (entity_id, entity_kind): (Uuid, &str), now_ms: i64) -> Result<NewTask> {
        Ok(NewTask {
            id: TaskId::new(),
            queue: self.queue.as_str().to_owned(),
            project_id: Some(self.project.clone()),
            warehouse_id: Some(tabular.warehouse_id),
            entity_id,
            entity_kind: entity_kind.to_owned(),
            entity_name: entity_name(tabular)?,
            scheduled_for_ms: self.scheduled_for_ms,
            location: (self.queue == Queue::TabularPurge).then(|| tabular.location.clone()),
            payload: self.payload,
            parent_id: None,
            now_ms,
        })
    }
}

/// The parts of the name as a JSON array, so that listings can show them as such.
fn entity_name(tabular: &Tabular) -> Result<String> {
    let parts: Vec<&str> =
        tabular.namespace.parts().iter().map(String::as_str).chain([tabular.name.as_str()]).collect();
    serde_json::to_string(&parts).map_err(Error::internal)
}
