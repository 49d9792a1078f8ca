//! Listings of background work: what narrows them, how they go on from page to page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::times::Timestamp;
use crate::api::listing::{Listing, PageQuery};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::{ProjectId, TaskId, WarehouseId};
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::store::rows::{Task, TaskFilter, TaskStatus};

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

/// Whose tasks are listed.
#[derive(Clone, Debug)]
pub enum Whose {
    Warehouse(WarehouseId),
    /// Its own, not those of its warehouses.
    Project(ProjectId),
}

/// A list request, as far as it narrows; an empty list does not.
#[derive(Debug)]
pub struct Wanted {
    pub whose: Whose,
    pub queues: Vec<String>,
    pub statuses: Vec<Status>,
    pub entities: Vec<Uuid>,
    pub created_after: Option<Timestamp>,
    pub created_before: Option<Timestamp>,
}

impl Wanted {
    /// A page of what is wanted with the token of the next one.
    pub async fn page<T>(
        &self,
        app: &App,
        caller: &Caller,
        page: &PageQuery,
        show: impl Fn(&Task) -> T,
    ) -> Result<(Vec<T>, Option<String>)> {
        if self.queues.iter().any(|queue| queue.contains('\0')) {
            return Err(Error::bad_request("a `queue-name` must not contain NUL; no queue has such a name"));
        }
        let filter = self.filter();
        let below = format!("{self:?}");
        let of = page::Listing { what: "tasks", of: &[&below], caller: caller.id() };
        let mut listing = Listing::start(app, page, of)?;
        while let Some(limit) = listing.wanted() {
            let before = listing.after().map(str::parse::<TaskId>).transpose()?;
            let rows = app.store.tasks_page(&filter, before, limit).await?;
            let rows = rows.into_iter().map(|task| (task.id.to_string(), self.has(&task), task));
            listing.take(limit, rows.map(|(id, wanted, task)| (id, task, wanted)).collect(), |task| show(&task));
        }
        Ok(listing.finish())
    }

    /// What the store sorts out by itself: lists of one.
    fn filter(&self) -> TaskFilter {
        let (project_id, warehouse_id) = match &self.whose {
            Whose::Warehouse(id) => (None, Some(*id)),
            Whose::Project(id) => (Some(id.clone()), None),
        };
        TaskFilter {
            outside_warehouses: warehouse_id.is_none(),
            project_id,
            warehouse_id,
            queue: only(&self.queues).cloned(),
            status: only(&self.statuses).map(|status| (*status).into()),
            entity_id: only(&self.entities).copied(),
            created_after_ms: self.created_after.map(|after| after.0),
            created_before_ms: self.created_before.map(|before| before.0),
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
