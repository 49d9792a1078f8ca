//! Orders to the background work, as tasks to enqueue beside the change that causes them.

use uuid::Uuid;

use super::queue::{MetadataFile, Queue, payload_text};
use crate::catalog::ids::{ProjectId, TaskId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use crate::store::rows::{NewTask, Tabular};

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
        Ok(NewTask {
            id: TaskId::new(),
            queue: self.queue.as_str().to_owned(),
            project_id: Some(self.project.clone()),
            warehouse_id: Some(tabular.warehouse_id),
            entity_id: tabular.id.0,
            entity_kind: tabular.kind.as_str().to_owned(),
            entity_name: entity_name(tabular)?,
            scheduled_for_ms: self.scheduled_for_ms,
            location: (self.queue == Queue::TabularPurge).then(|| tabular.location.clone()),
            payload: self.payload,
            parent_id: None,
            now_ms,
        })
    }
}

/// A task that deletes one metadata file that nothing points at; it is tried at once, then at longer intervals.
pub fn leftover(warehouse: WarehouseId, file: &Location, now_ms: i64) -> Result<NewTask> {
    let payload = MetadataFile { file: file.as_str().to_owned() };
    Ok(NewTask {
        id: TaskId::new(),
        queue: Queue::MetadataCleanup.as_str().to_owned(),
        project_id: None,
        warehouse_id: Some(warehouse),
        // A table can leave many files behind at a time.
        entity_id: Uuid::now_v7(),
        entity_kind: "file".to_owned(),
        entity_name: "[]".to_owned(),
        scheduled_for_ms: now_ms,
        payload: payload_text(&payload)?,
        location: None,
        parent_id: None,
        now_ms,
    })
}

/// The parts of the name as a JSON array, so that listings can show them as such.
fn entity_name(tabular: &Tabular) -> Result<String> {
    let parts: Vec<&str> =
        tabular.namespace.parts().iter().map(String::as_str).chain([tabular.name.as_str()]).collect();
    serde_json::to_string(&parts).map_err(Error::internal)
}
