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
    /// How long an event stays in the outbox, told or not, in seconds: so long it can be told again. A dead letter, too.
    #[schemars(range(min = 60, max = 31_536_000))]
    pub event_retention_s: u64,
    /// How old a metadata file must be, in seconds, to be deleted where it certainly was never committed: a process that is
    /// killed between writing the file and moving the table's pointer leaves one. All tables are looked at once a day.
    /// Without it they are kept, and go with the table's purge.
    #[schemars(range(min = 3600, max = 31_536_000), example = &86_400)]
    pub orphan_grace_s: Option<u64>,
}

impl Tasks {
    pub fn event_retention_ms(&self) -> i64 {
        milliseconds(self.event_retention_s)
    }

    pub fn orphan_grace_ms(&self) -> Option<i64> {
        self.orphan_grace_s.map(milliseconds)
    }
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            enabled: true,
            workers: 2,
            poll_interval_ms: 2_000,
            lease_s: 60,
            attempts_max: 5,
            // Long enough for a relay that was down over a holiday.
            event_retention_s: 14 * 24 * 60 * 60,
            orphan_grace_s: None,
        }
    }
}
