//! What a name stands on: its warehouse, its namespace, whoever has it already, with one read.

use uuid::Uuid;

use super::Store;
use super::engine::{record, rows};
use super::namespaces::NamespaceRecord;
use super::rows::Standing;
use super::tabulars::kind;
use super::warehouses::WarehouseRecord;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::WarehouseId;
use crate::error::Result;

record! {
    struct StandingRecord {
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
        namespace_id: Option<Uuid>,
        path: Option<String>,
        lineage: Option<Vec<u8>>,
        properties: Option<String>,
        namespace_protected: Option<bool>,
        namespace_version: Option<i64>,
        namespace_created_at_ms: Option<i64>,
        namespace_updated_at_ms: Option<i64>,
        holder: Option<String>,
    }
}

impl StandingRecord {
    /// Where there is a namespace, all of its columns that are never empty came with it.
    fn namespace(&mut self) -> Option<NamespaceRecord> {
        Some(NamespaceRecord {
            id: self.namespace_id?,
            warehouse_id: self.id,
            path: self.path.take()?,
            lineage: self.lineage.take()?,
            properties: self.properties.take()?,
            protected: self.namespace_protected?,
            version: self.namespace_version?,
            created_at_ms: self.namespace_created_at_ms?,
            updated_at_ms: self.namespace_updated_at_ms,
            warehouse_version: self.version,
        })
    }

    fn warehouse(self) -> WarehouseRecord {
        WarehouseRecord {
            id: self.id,
            project_id: self.project_id,
            name: self.name,
            status: self.status,
            root: self.root,
            storage_profile: self.storage_profile,
            soft_delete_seconds: self.soft_delete_seconds,
            protected: self.protected,
            settings: self.settings,
            version: self.version,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
        }
    }
}

impl Store {
    /// `None` where there is no such warehouse. Nobody has the empty name, which asks for the namespace alone.
    pub async fn standing(&self, warehouse: WarehouseId, path: &Namespace, name: &str) -> Result<Option<Standing>> {
        let mut lease = self.read("standing").await?;
        let found = rows!(
            lease,
            fetch_optional,
            StandingRecord,
            "SELECT w.id, w.project_id, w.name, w.status, w.root, w.storage_profile, w.soft_delete_seconds, w.protected,
                    w.settings, w.version, w.created_at_ms, w.updated_at_ms,
                    n.id, n.path, n.lineage, n.properties, n.protected, n.version, n.created_at_ms, n.updated_at_ms,
                    t.kind
             FROM warehouses AS w
             LEFT JOIN namespaces AS n ON n.warehouse_id = w.id AND n.path = $2
             LEFT JOIN tabulars AS t ON t.namespace_id = n.id AND t.name = $3 AND t.deleted_at_ms IS NULL
             WHERE w.id = $1",
            warehouse.0,
            path.key(),
            name
        )?;
        let Some(mut record) = found else { return Ok(None) };
        let namespace = record.namespace().map(NamespaceRecord::into_row).transpose()?;
        let holder = record.holder.as_deref().map(kind);
        Ok(Some(Standing { warehouse: record.warehouse().into_row()?, namespace, holder }))
    }
}
