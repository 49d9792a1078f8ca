//! Which background work waits to be claimed.

use super::Store;
use super::engine::{record, rows};
use crate::error::Result;

record! {
    struct QueueRecord {
        queue: String,
    }
}

impl Store {
    /// The queues that hold a task to claim; a cheap look, so that idle workers write nothing.
    pub async fn due_queues(&self, now_ms: i64) -> Result<Vec<String>> {
        let mut lease = self.read("due_queues").await?;
        let found = rows!(
            lease,
            fetch_all,
            QueueRecord,
            "SELECT DISTINCT queue
             FROM tasks
             WHERE status IN ('scheduled', 'running', 'stopping')
               AND ((status = 'scheduled' AND scheduled_for_ms <= $1) OR (status <> 'scheduled' AND lease_until_ms < $1))
             ORDER BY queue",
            now_ms
        )?;
        Ok(found.into_iter().map(|record| record.queue).collect())
    }
}
