//! Namespaces: a tree of names inside a warehouse.

use uuid::Uuid;

use super::engine::{Effect, record, rows, run, run_guarded};
use super::rows::{NamespaceRow, Properties};
use super::{Store, Writer};
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, WarehouseId};
use crate::error::{Error, Result};

record! {
    pub(super) struct NamespaceRecord {
        id: Uuid,
        warehouse_id: Uuid,
        path: String,
        lineage: Vec<u8>,
        properties: String,
        protected: bool,
        version: i64,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
        warehouse_version: i64,
    }
}

impl NamespaceRecord {
    pub(super) fn into_row(self) -> Result<NamespaceRow> {
        Ok(NamespaceRow {
            id: NamespaceId(self.id),
            warehouse_id: WarehouseId(self.warehouse_id),
            path: Namespace::from_key(&self.path),
            lineage: lineage(&self.lineage),
            properties: serde_json::from_str(&self.properties).map_err(Error::internal)?,
            protected: self.protected,
            version: self.version,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
            warehouse_version: self.warehouse_version,
        })
    }
}

/// The ids that the store keeps as 16 bytes each.
pub(super) fn lineage(bytes: &[u8]) -> Vec<NamespaceId> {
    bytes.as_chunks::<16>().0.iter().map(|id| NamespaceId(Uuid::from_bytes(*id))).collect()
}

pub(super) fn lineage_bytes(lineage: &[NamespaceId]) -> Vec<u8> {
    lineage.iter().flat_map(|id| id.0.into_bytes()).collect()
}

/// The namespace above, if any.
pub(super) fn parent(lineage: &[NamespaceId]) -> Option<Uuid> {
    lineage.iter().rev().nth(1).map(|id| id.0)
}

fn parent_gone(namespace: &NamespaceRow) -> Error {
    Error::NoSuchNamespace(format!(
        "namespace `{}` cannot be created: what it belongs to has just been dropped or moved",
        namespace.path
    ))
}

impl Store {
    /// `None` where there is no such namespace.
    pub async fn namespace(&self, warehouse: WarehouseId, path: &Namespace) -> Result<Option<NamespaceRow>> {
        let mut lease = self.read("namespace").await?;
        let found = rows!(
            lease,
            fetch_optional,
            NamespaceRecord,
            "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                    (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
             FROM namespaces
             WHERE warehouse_id = $1 AND path = $2",
            warehouse.0,
            path.key()
        )?;
        found.map(NamespaceRecord::into_row).transpose()
    }

    /// `None` where the warehouse has no such namespace.
    pub async fn namespace_by_id(&self, warehouse: WarehouseId, id: NamespaceId) -> Result<Option<NamespaceRow>> {
        let mut lease = self.read("namespace_by_id").await?;
        let found = rows!(
            lease,
            fetch_optional,
            NamespaceRecord,
            "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                    (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
             FROM namespaces
             WHERE id = $1 AND warehouse_id = $2",
            id.0,
            warehouse.0
        )?;
        found.map(NamespaceRecord::into_row).transpose()
    }

    /// The namespace of this id, whichever warehouse it is in.
    pub async fn namespace_of_any_warehouse(&self, id: NamespaceId) -> Result<Option<NamespaceRow>> {
        let mut lease = self.read("namespace_of_any_warehouse").await?;
        let found = rows!(
            lease,
            fetch_optional,
            NamespaceRecord,
            "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                    (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
             FROM namespaces
             WHERE id = $1",
            id.0
        )?;
        found.map(NamespaceRecord::into_row).transpose()
    }

    /// The namespaces directly below `parent`, or the top level, by name after the given one.
    pub async fn namespaces_page(
        &self,
        warehouse: WarehouseId,
        parent: Option<NamespaceId>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NamespaceRow>> {
        let mut lease = self.list("namespaces_page").await?;
        let found = match parent {
            Some(parent) => rows!(
                lease,
                fetch_all,
                NamespaceRecord,
                "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                        (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
                 FROM namespaces
                 WHERE warehouse_id = $1 AND parent_id = $2 AND name > $3
                 ORDER BY name
                 LIMIT $4",
                warehouse.0,
                parent.0,
                after.unwrap_or_default(),
                i64::from(limit)
            )?,
            None => rows!(
                lease,
                fetch_all,
                NamespaceRecord,
                "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                        (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
                 FROM namespaces
                 WHERE warehouse_id = $1 AND parent_id IS NULL AND name > $2
                 ORDER BY name
                 LIMIT $3",
                warehouse.0,
                after.unwrap_or_default(),
                i64::from(limit)
            )?,
        };
        found.into_iter().map(NamespaceRecord::into_row).collect()
    }
}

impl Writer {
    /// `false` where the name is taken. [`Error::NoSuchNamespace`] where the one above has just gone, or moved.
    pub async fn insert_namespace(&mut self, namespace: &NamespaceRow) -> Result<bool> {
        if let (Some(id), Some(path)) = (parent(&namespace.lineage), namespace.path.parent())
            && !self.hold_parent(id, &path).await?
        {
            return Err(parent_gone(namespace));
        }
        let inserted = run_guarded!(
            self,
            "INSERT INTO namespaces (id, warehouse_id, parent_id, path, name, lineage, properties, protected, version,
                                     created_at_ms, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT DO NOTHING",
            namespace.id.0,
            namespace.warehouse_id.0,
            parent(&namespace.lineage),
            namespace.path.key(),
            namespace.path.name(),
            lineage_bytes(&namespace.lineage),
            serde_json::to_string(&namespace.properties).map_err(Error::internal)?,
            namespace.protected,
            namespace.version,
            namespace.created_at_ms,
            namespace.updated_at_ms
        )?;
        match inserted {
            Effect::Rows(touched) => Ok(touched == 1),
            Effect::Duplicate => Ok(false),
            Effect::BrokenReference => Err(parent_gone(namespace)),
        }
    }

    /// `false` where the namespace is gone or has moved on from the expected version.
    pub async fn set_namespace_properties(
        &mut self,
        id: NamespaceId,
        expected_version: i64,
        properties: &Properties,
        now_ms: i64,
    ) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE namespaces
             SET properties = $3, version = version + 1, updated_at_ms = $4
             WHERE id = $1 AND version = $2",
            id.0,
            expected_version,
            serde_json::to_string(properties).map_err(Error::internal)?,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// `false` where there is no such namespace.
    pub async fn protect_namespace(&mut self, id: NamespaceId, protected: bool, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE namespaces
             SET protected = $2, version = version + 1, updated_at_ms = $3
             WHERE id = $1",
            id.0,
            protected,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// `false` where it is gone or has moved, or holds anything: namespaces, tables, views, soft-deleted ones included.
    pub async fn delete_namespace(&mut self, id: NamespaceId, path: &Namespace, force: bool) -> Result<bool> {
        let deleted = run_guarded!(
            self,
            "DELETE FROM namespaces
             WHERE id = $1 AND path = $2 AND (NOT protected OR $3)
               AND NOT EXISTS (SELECT 1 FROM namespaces AS child WHERE child.parent_id = $1)
               AND NOT EXISTS (SELECT 1 FROM tabulars WHERE namespace_id = $1)",
            id.0,
            path.key(),
            force
        )?;
        Ok(deleted == Effect::Rows(1))
    }
}
