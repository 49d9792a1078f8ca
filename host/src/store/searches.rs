//! Tables and views found by other things than their names: by place, by a part of the name, by count.

use uuid::Uuid;

use super::Store;
use super::engine::{record, rows};
use super::rows::{Tabular, TabularCounts};
use super::tabulars::TabularRecord;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
use crate::error::Result;

record! {
    struct CountsRecord {
        tables: i64,
        views: i64,
    }
}

/// The place behind which a search by a part of the name goes on: how many characters the last name has, the name, its id.
pub(super) fn key_after(after: Option<(&str, Uuid)>) -> (i64, &str, Uuid) {
    let (name, id) = after.unwrap_or(("", Uuid::nil()));
    let chars = after.map_or(-1, |(name, _)| i64::try_from(name.chars().count()).unwrap_or(i64::MAX));
    (chars, name, id)
}

impl Store {
    /// A table or view, live or soft-deleted, whose location contains this one or lies in it. Only the two
    /// neighbours can, because no two locations overlap.
    pub async fn tabular_overlapping(&self, warehouse: WarehouseId, location: &Location) -> Result<Option<Tabular>> {
        let mut lease = self.read("tabular_overlapping").await?;
        let found = rows!(
            lease,
            fetch_optional,
            TabularRecord,
            "SELECT t.id, t.kind, t.warehouse_id, t.namespace_id, n.path, n.lineage, t.name, t.uuid, t.location,
                    t.metadata_location, t.version, t.format_version, t.protected, t.deleted_at_ms, t.expires_at_ms,
                    t.created_at_ms, t.updated_at_ms, w.version
             FROM tabulars AS t
             JOIN namespaces AS n ON n.id = t.namespace_id
             JOIN warehouses AS w ON w.id = t.warehouse_id
             WHERE t.id IN (SELECT id
                            FROM (SELECT id
                                  FROM tabulars
                                  WHERE warehouse_id = $1 AND location <= $2
                                  ORDER BY location DESC
                                  LIMIT 1) AS left_neighbour
                            UNION ALL
                            SELECT id
                            FROM (SELECT id
                                  FROM tabulars
                                  WHERE warehouse_id = $1 AND location > $2
                                  ORDER BY location
                                  LIMIT 1) AS right_neighbour)
               AND (substr($2, 1, length(t.location)) = t.location OR substr(t.location, 1, length($2)) = $2)
             ORDER BY t.location
             LIMIT 1",
            warehouse.0,
            location.prefix()
        )?;
        found.map(TabularRecord::into_row).transpose()
    }

    /// Live tables and views whose metadata has the UUID; it can be more than one, because a file can be registered twice.
    pub async fn tabulars_by_uuid(&self, warehouse: WarehouseId, uuid: Uuid, limit: u32) -> Result<Vec<Tabular>> {
        let mut lease = self.read("tabulars_by_uuid").await?;
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
             WHERE t.warehouse_id = $1 AND t.uuid = $2 AND t.deleted_at_ms IS NULL
             ORDER BY t.id
             LIMIT $3",
            warehouse.0,
            uuid,
            i64::from(limit)
        )?;
        found.into_iter().map(TabularRecord::into_row).collect()
    }

    /// Live tables and views whose name contains the text, the shortest names first, after the one of this name and id.
    /// Only letters of ASCII are equal in both cases, here as in other searches: `lower` knows no others on either
    /// engine. A UUID finds what has it as its id or in its metadata, and what lies in the namespace of that id.
    pub async fn tabulars_named_like(
        &self,
        warehouse: WarehouseId,
        part: &str,
        after: Option<(&str, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Tabular>> {
        let (after_chars, after_name, after_id) = key_after(after);
        let mut lease = self.list("tabulars_named_like").await?;
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
             WHERE t.warehouse_id = $1 AND t.deleted_at_ms IS NULL
               AND (replace(lower(t.name), $2, '') <> lower(t.name) OR t.id = $7 OR t.uuid = $7 OR t.namespace_id = $7)
               AND (CAST(length(t.name) AS BIGINT), t.name, t.id) > ($3, $4, $5)
             ORDER BY CAST(length(t.name) AS BIGINT), t.name, t.id
             LIMIT $6",
            warehouse.0,
            part.to_ascii_lowercase(),
            after_chars,
            after_name,
            after_id,
            i64::from(limit),
            Uuid::try_parse(part).ok()
        )?;
        found.into_iter().map(TabularRecord::into_row).collect()
    }

    /// How many live tables and views a warehouse has.
    pub async fn tabular_counts(&self, warehouse: WarehouseId) -> Result<TabularCounts> {
        let mut lease = self.list("tabular_counts").await?;
        let counted = rows!(
            lease,
            fetch_one,
            CountsRecord,
            "SELECT COUNT(CASE WHEN kind = 'table' THEN 1 END), COUNT(CASE WHEN kind = 'view' THEN 1 END)
             FROM tabulars
             WHERE warehouse_id = $1 AND deleted_at_ms IS NULL",
            warehouse.0
        )?;
        Ok(TabularCounts { tables: counted.tables, views: counted.views })
    }
}
