//! What an operator set of a project's background work, kept as one JSON text.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

const DAY_MS: i64 = 24 * 3_600_000;

/// What `settings` of a project row holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ProjectSettings {
    pub task_log_cleanup: TaskLogCleanup,
}

/// How long a project remembers finished tasks; what is not set is as in Lakekeeper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct TaskLogCleanup {
    /// A worker that stays silent for longer is taken for dead; none means the server's own bound.
    pub max_seconds_since_last_heartbeat: Option<i64>,
    cleanup_period_ms: Option<i64>,
    retention_ms: Option<i64>,
}

impl ProjectSettings {
    pub fn from_stored(text: Option<&str>) -> Result<Self> {
        text.map_or_else(|| Ok(Self::default()), |text| serde_json::from_str(text).map_err(Error::internal))
    }

    pub fn to_stored(self) -> Result<String> {
        serde_json::to_string(&self).map_err(Error::internal)
    }
}

impl TaskLogCleanup {
    pub const RETENTION_MS_DEFAULT: i64 = 90 * DAY_MS;

    pub const fn new(
        max_seconds_since_last_heartbeat: Option<i64>,
        cleanup_period_ms: Option<i64>,
        retention_ms: Option<i64>,
    ) -> Self {
        Self { max_seconds_since_last_heartbeat, cleanup_period_ms, retention_ms }
    }

    /// How long after one clean-up the next one is due: a day, unless it was set to be longer.
    pub fn period_ms(&self) -> i64 {
        self.cleanup_period_ms.unwrap_or(DAY_MS).max(DAY_MS)
    }

    pub fn retention_ms(&self) -> i64 {
        self.retention_ms.unwrap_or(Self::RETENTION_MS_DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_of_which_nothing_was_set_forgets_tasks_after_90_days_looks_daily() {
        let unset = ProjectSettings::from_stored(None).unwrap().task_log_cleanup;

        assert_eq!((unset.period_ms(), unset.retention_ms()), (DAY_MS, 90 * DAY_MS));
    }

    #[test]
    fn a_period_below_a_day_is_a_day() {
        assert_eq!(TaskLogCleanup::new(None, Some(1), Some(5)).period_ms(), DAY_MS);
        assert_eq!(TaskLogCleanup::new(None, Some(2 * DAY_MS), Some(5)).period_ms(), 2 * DAY_MS);
    }
}
