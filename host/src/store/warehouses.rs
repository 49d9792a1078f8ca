//! Warehouses: where tables live.

use uuid::Uuid;

use super::engine::{Effect, record, rows, run, run_guarded};
use super::rows::{DeleteProfile, Warehouse, WarehouseStatus};
use super::{Store, Writer};
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::Result;

record! {
    pub(super) struct WarehouseRecord {
        id: Uuid,
        project_id: String,
        name: String,
        status: String,
        root: String,
        storage_profile: String,
        soft_delete_seconds: Option<i64>,
        protected: bool,
        settings: String,
        version: i64,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
    }
}

impl WarehouseRecord {
    pub(super) fn into_row(self) -> Result<Warehouse> {
        Ok(Warehouse {
            id: WarehouseId(self.id),
            project_id: ProjectId::parse(&self.project_id)?,
            name: self.name,
            status: if self.status == "active" { WarehouseStatus::Active } else { WarehouseStatus::Inactive },
            root: Location::parse(&self.root)?,
            storage_profile: self.storage_profile,
            delete_profile: match self.soft_delete_seconds {
                None => DeleteProfile::Hard,
                Some(expiration_seconds) => DeleteProfile::Soft { expiration_seconds },
            },
            protected: self.protected,
            settings: self.settings,
            version: self.version,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        })
    }
}

impl Warehouse {
    fn soft_delete_seconds(&self) -> Option<i64> {
        match self.delete_profile {
            DeleteProfile::Hard => None,
            DeleteProfile::Soft { expiration_seconds } => Some(expiration_seconds),
        }
    }
}

impl Store {
    /// `None` where there is no such warehouse.
    pub async fn warehouse(&self, id: WarehouseId) -> Result<Option<Warehouse>> {
        let mut lease = self.read("warehouse").await?;
        let found = rows!(
            lease,
            fetch_optional,
            WarehouseRecord,
            "SELECT id, project_id, name, status, root, storage_profile, soft_delete_seconds, protected, settings,
                    version, created_at_ms, updated_at_ms
             FROM warehouses
             WHERE id = $1",
            id.0
        )?;
        found.map(WarehouseRecord::into_row).transpose()
    }

    /// `None` where the project has no warehouse of this name.
    pub async fn warehouse_by_name(&self, project: &ProjectId, name: &str) -> Result<Option<Warehouse>> {
        // Postgres would refuse the text itself; no warehouse has such a name on either engine.
        if name.contains('\0') {
            return Ok(None);
        }
        let mut lease = self.read("warehouse_by_name").await?;
        let found = rows!(
            lease,
            fetch_optional,
            WarehouseRecord,
            "SELECT id, project_id, name, status, root, storage_profile, soft_delete_seconds, protected, settings,
                    version, created_at_ms, updated_at_ms
             FROM warehouses
             WHERE project_id = $1 AND name = $2",
            project.as_str(),
            name
        )?;
        found.map(WarehouseRecord::into_row).transpose()
    }

    /// The warehouses of a project in one of the given states, by name.
    pub async fn warehouses(&self, project: &ProjectId, statuses: &[WarehouseStatus]) -> Result<Vec<Warehouse>> {
        let mut lease = self.list("warehouses").await?;
        let found = rows!(
            lease,
            fetch_all,
            WarehouseRecord,
            "SELECT id, project_id, name, status, root, storage_profile, soft_delete_seconds, protected, settings,
                    version, created_at_ms, updated_at_ms
             FROM warehouses
             WHERE project_id = $1
               AND ((status = 'active' AND $2) OR (status = 'inactive' AND $3))
             ORDER BY name",
            project.as_str(),
            statuses.contains(&WarehouseStatus::Active),
            statuses.contains(&WarehouseStatus::Inactive)
        )?;
        found.into_iter().map(WarehouseRecord::into_row).collect()
    }

    /// The first active warehouses of the whole server by age, to find out whether there is only one.
    pub async fn sole_warehouses(&self, limit: u32) -> Result<Vec<Warehouse>> {
        let mut lease = self.read("sole_warehouses").await?;
        let found = rows!(
            lease,
            fetch_all,
            WarehouseRecord,
            "SELECT id, project_id, name, status, root, storage_profile, soft_delete_seconds, protected, settings,
                    version, created_at_ms, updated_at_ms
             FROM warehouses
             WHERE status = 'active'
             ORDER BY id
             LIMIT $1",
            i64::from(limit)
        )?;
        found.into_iter().map(WarehouseRecord::into_row).collect()
    }
}

impl Writer {
    /// `false` where the project has a warehouse of this name, or there is no such project.
    pub async fn insert_warehouse(&mut self, warehouse: &Warehouse) -> Result<bool> {
        let inserted = run_guarded!(
            self,
            "INSERT INTO warehouses (id, project_id, name, status, root, storage_profile, soft_delete_seconds,
                                     protected, settings, version, created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT DO NOTHING",
            warehouse.id.0,
            warehouse.project_id.as_str(),
            warehouse.name.as_str(),
            warehouse.status.as_str(),
            warehouse.root.as_str(),
            warehouse.storage_profile.as_str(),
            warehouse.soft_delete_seconds(),
            warehouse.protected,
            warehouse.settings.as_str(),
            warehouse.version,
            warehouse.created_at_ms,
            warehouse.updated_at_ms
        )?;
        Ok(inserted == Effect::Rows(1))
    }

    /// Stores everything but id, project and creation; its version is the expected one plus one.
    ///
    /// `false` where the warehouse is gone, has moved on from the expected version, or its new name is taken.
    pub async fn update_warehouse(&mut self, warehouse: &Warehouse, expected_version: i64) -> Result<bool> {
        let updated = run_guarded!(
            self,
            "UPDATE warehouses
             SET name = $3, status = $4, root = $5, storage_profile = $6, soft_delete_seconds = $7, protected = $8,
                 settings = $9, version = $2 + 1, updated_at_ms = $10
             WHERE id = $1 AND version = $2
               AND NOT EXISTS (SELECT 1
                               FROM warehouses AS other
                               WHERE other.project_id = warehouses.project_id AND other.name = $3 AND other.id <> $1)",
            warehouse.id.0,
            expected_version,
            warehouse.name.as_str(),
            warehouse.status.as_str(),
            warehouse.root.as_str(),
            warehouse.storage_profile.as_str(),
            warehouse.soft_delete_seconds(),
            warehouse.protected,
            warehouse.settings.as_str(),
            warehouse.updated_at_ms
        )?;
        Ok(updated == Effect::Rows(1))
    }

    /// `false` where it is gone, still holds namespaces, or is protected and nothing forces it: drop the writer then. Its
    /// secret and its idempotency keys go with it.
    pub async fn delete_warehouse(&mut self, id: WarehouseId, force: bool) -> Result<bool> {
        self.delete_secret(id).await?;
        let deleted = run_guarded!(
            self,
            "DELETE FROM warehouses
             WHERE id = $1 AND (NOT protected OR $2)
               AND NOT EXISTS (SELECT 1 FROM namespaces WHERE warehouse_id = $1)",
            id.0,
            force
        )?;
        if deleted != Effect::Rows(1) {
            return Ok(false);
        }
        run!(self, "DELETE FROM idempotency WHERE warehouse_id = $1", id.0)?;
        Ok(true)
    }
}
