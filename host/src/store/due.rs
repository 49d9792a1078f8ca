//! Background work that is not over: what waits to be claimed, which places it keeps.

use super::engine::{record, rows};
use super::{Store, Writer};
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
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

record! {
    struct PlaceRecord {
        location: String,
    }
}

impl Writer {
    /// A place whose files are still being deleted, and that overlaps with the given one.
    ///
    /// Asked after a table was placed, not before: whoever drops one orders the purge in the same transaction, so either
    /// the table or the order is seen.
    pub(super) async fn purge_overlapping(
        &mut self,
        warehouse: WarehouseId,
        location: &Location,
    ) -> Result<Option<String>> {
        let found = rows!(
            self,
            fetch_optional,
            PlaceRecord,
            "SELECT location
             FROM tasks
             WHERE warehouse_id = $1 AND location IS NOT NULL AND status IN ('scheduled', 'running', 'stopping')
               AND (substr($2, 1, length(location)) = location OR substr(location, 1, length($2)) = $2)
             ORDER BY location
             LIMIT 1",
            warehouse.0,
            location.prefix()
        )?;
        Ok(found.map(|record| record.location.trim_end_matches('/').to_owned()))
    }
}
