//! `[tasks]`: background work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Background work: expiry of soft-deleted tables, purge of files, removal of old idempotency keys.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tasks {
    /// Whether this process works on tasks; others on the same database may.
    pub enabled: bool,
    /// How many tasks this process works on at a time.
    #[schemars(range(min = 1, max = 64))]
    pub workers: usize,
    /// How often the database is asked for due tasks, in milliseconds.
    #[schemars(range(min = 10, max = 600_000))]
    pub poll_interval_ms: u64,
    /// How long a task belongs to a silent process before another one takes it over, in seconds.
    #[schemars(range(min = 5, max = 3600))]
    pub lease_s: u64,
    /// How often a task is tried before it is given up.
    #[schemars(range(min = 1, max = 100))]
    pub attempts_max: u32,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { enabled: true, workers: 2, poll_interval_ms: 2_000, lease_s: 60, attempts_max: 5 }
    }
}
