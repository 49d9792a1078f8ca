//! Which tables and views changed last.

use uuid::Uuid;

use super::Store;
use super::engine::{record, rows};
use crate::catalog::ids::TabularId;
use crate::error::Result;

record! {
    struct RecentRecord {
        id: Uuid,
        version: i64,
        metadata_location: String,
    }
}

/// Where the newest metadata of a table or view lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    pub id: TabularId,
    pub version: i64,
    pub metadata_location: String,
}

impl Store {
    /// The tables and views that changed within `window_ms` before the newest change, newest first, soft-deleted ones
    /// included. Looks at all rows: for starts only.
    pub async fn recently_changed(&self, window_ms: i64, limit: u32) -> Result<Vec<Recent>> {
        let mut lease = self.read("recently_changed").await?;
        let found = rows!(
            lease,
            fetch_all,
            RecentRecord,
            "SELECT id, version, metadata_location
             FROM tabulars
             WHERE COALESCE(updated_at_ms, created_at_ms)
                   >= (SELECT MAX(COALESCE(updated_at_ms, created_at_ms)) FROM tabulars) - $1
             ORDER BY COALESCE(updated_at_ms, created_at_ms) DESC, id DESC
             LIMIT $2",
            window_ms,
            i64::from(limit)
        )?;
        let recent = |record: RecentRecord| Recent {
            id: TabularId(record.id),
            version: record.version,
            metadata_location: record.metadata_location,
        };
        Ok(found.into_iter().map(recent).collect())
    }
}
