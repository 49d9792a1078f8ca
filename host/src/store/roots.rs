//! The roots of warehouses, none of which may lie in another.

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::{Store, Writer};
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::Result;

record! {
    struct RootRecord {
        root: String,
    }
}

const OVERLAPPING: &str = "SELECT root
             FROM warehouses
             WHERE id <> $2
               AND (substr($1, 1, length(root) + 1) = root || '/' OR substr(root || '/', 1, length($1)) = $1)
             ORDER BY root
             LIMIT 1";

impl Store {
    /// The root of a warehouse, other than `own`, that a warehouse at `root` would share files with.
    pub async fn warehouse_overlapping(&self, root: &Location, own: Option<WarehouseId>) -> Result<Option<Location>> {
        let mut lease = self.read("warehouse_overlapping").await?;
        let own = own.map_or(Uuid::nil(), |id| id.0);
        let found = rows!(lease, fetch_optional, RootRecord, OVERLAPPING, root.prefix(), own)?;
        found.map(|record| Location::parse(&record.root)).transpose()
    }
}

impl Writer {
    /// Keeps every other writer from placing a warehouse until this one ends; gives the root that is in the way, if any.
    pub async fn claim_root(&mut self, root: &Location, own: WarehouseId) -> Result<Option<Location>> {
        if self.is_concurrent() {
            run!(self, "UPDATE server SET probes = probes WHERE only_row = 1")?;
        }
        let found = rows!(self, fetch_optional, RootRecord, OVERLAPPING, root.prefix(), own.0)?;
        found.map(|record| Location::parse(&record.root)).transpose()
    }

    /// Whether another warehouse of the project has the name.
    pub async fn warehouse_name_taken(&mut self, project: &ProjectId, name: &str, own: WarehouseId) -> Result<bool> {
        let found = rows!(
            self,
            fetch_optional,
            RootRecord,
            "SELECT root
             FROM warehouses
             WHERE project_id = $1 AND name = $2 AND id <> $3",
            project.as_str(),
            name,
            own.0
        )?;
        Ok(found.is_some())
    }
}
