//! Background work as rows.

use uuid::Uuid;

use crate::catalog::ids::{ProjectId, TaskId, WarehouseId};
use crate::catalog::location::Location;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    Scheduled,
    Running,
    /// Somebody asked a running task to stop.
    Stopping,
    Success,
    Failed,
    Cancelled,
}

impl TaskStatus {
    pub const ALL: [Self; 6] =
        [Self::Scheduled, Self::Running, Self::Stopping, Self::Success, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status that [`TaskStatus::as_str`] names.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Work to do once `scheduled_for_ms` has come.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub id: TaskId,
    pub queue: String,
    pub project_id: Option<ProjectId>,
    pub warehouse_id: Option<WarehouseId>,
    /// What it works on; a queue holds at most one unfinished task of an entity.
    pub entity_id: Uuid,
    pub entity_kind: String,
    pub entity_name: String,
    pub scheduled_for_ms: i64,
    /// JSON.
    pub payload: String,
    /// Where it deletes files: kept from new tables until it is over.
    pub location: Option<Location>,
    pub parent_id: Option<TaskId>,
    pub now_ms: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub queue: String,
    pub project_id: Option<ProjectId>,
    pub warehouse_id: Option<WarehouseId>,
    pub entity_id: Uuid,
    pub entity_kind: String,
    pub entity_name: String,
    pub status: TaskStatus,
    pub scheduled_for_ms: i64,
    /// How often it was picked up.
    pub attempt: i64,
    /// Proves who holds it; `None` while nobody does.
    pub lease_id: Option<Uuid>,
    pub lease_until_ms: Option<i64>,
    pub picked_up_at_ms: Option<i64>,
    pub heartbeat_at_ms: Option<i64>,
    pub finished_at_ms: Option<i64>,
    /// 0 to 1.
    pub progress: f64,
    /// JSON.
    pub payload: String,
    /// JSON that the running task reports.
    pub details: Option<String>,
    pub parent_id: Option<TaskId>,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
}

/// One finished try of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskAttempt {
    pub attempt: i64,
    pub status: TaskStatus,
    pub started_at_ms: Option<i64>,
    pub finished_at_ms: i64,
    pub progress: f64,
    pub message: Option<String>,
}

/// Which tasks a listing shows; `None` shows all. The newest come first.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub project_id: Option<ProjectId>,
    pub warehouse_id: Option<WarehouseId>,
    /// Leaves out what belongs to a warehouse.
    pub outside_warehouses: bool,
    pub queue: Option<String>,
    pub status: Option<TaskStatus>,
    pub entity_id: Option<Uuid>,
    pub created_after_ms: Option<i64>,
    pub created_before_ms: Option<i64>,
}

/// What a running task says about itself, to keep its lease.
#[derive(Clone, Debug)]
pub struct TaskReport<'a> {
    /// 0 to 1.
    pub progress: f64,
    /// JSON; `None` leaves what was reported before.
    pub details: Option<&'a str>,
    pub lease_until_ms: i64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    Success,
    /// It stopped because somebody asked it to.
    Cancelled,
    /// It will not be tried again.
    Failed {
        message: String,
    },
    /// It is tried again at this time.
    Retry {
        message: String,
        at_ms: i64,
    },
}
