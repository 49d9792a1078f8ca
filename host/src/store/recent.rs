//! Which tables there are, whatever warehouse they lie in; which of them changed last.

use uuid::Uuid;

use super::Store;
use super::engine::{record, rows};
use super::rows::Tabular;
use super::tabulars::TabularRecord;
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
    /// The tables of all warehouses by id after the given one, soft-deleted ones included; for background work.
    pub async fn tables_page(&self, after: Option<TabularId>, limit: u32) -> Result<Vec<Tabular>> {
        let mut lease = self.read("tables_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            TabularRecord,
            "SELECT t.id, t.kind, t.warehouse_id, t.namespace_id, n.path, n.lineage, t.name, t.uuid, t.location,
                    t.metadata_location, t.version, t.format_version, t.protected, t.deleted_at_ms, t.expires_at_ms,
                    t.created_at_ms, t.updated_at_ms, w.version
             FROM tabulars AS t
             JOIN namespaces AS n ON n.id = t.namespace_id
             JOIN warehouses AS w ON w.id = t.warehouse_id
             WHERE t.kind = 'table' AND t.id > $1
             ORDER BY t.id
             LIMIT $2",
            after.map_or(Uuid::nil(), |id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(TabularRecord::into_row).collect()
    }

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
