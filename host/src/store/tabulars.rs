//! Tables or views as they are read.

use uuid::Uuid;

use super::engine::{On, record, rows};
use super::namespaces::{NamespaceRecord, lineage};
use super::rows::{Document, Subtree, Tabular, TabularEntry, TabularKind};
use super::{Engine, Store};
use crate::catalog::document::Packed;
use crate::catalog::ident::{Namespace, SEPARATOR, TableIdent};
use crate::catalog::ids::{NamespaceId, TabularId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::{Error, Result};

record! {
    pub(super) struct TabularRecord {
        id: Uuid,
        kind: String,
        warehouse_id: Uuid,
        namespace_id: Uuid,
        path: String,
        lineage: Vec<u8>,
        name: String,
        uuid: Uuid,
        location: String,
        metadata_location: String,
        version: i64,
        format_version: i32,
        protected: bool,
        deleted_at_ms: Option<i64>,
        expires_at_ms: Option<i64>,
        created_at_ms: i64,
        updated_at_ms: Option<i64>,
        warehouse_version: i64,
    }
}

impl TabularRecord {
    pub(super) fn into_row(self) -> Result<Tabular> {
        Ok(Tabular {
            id: TabularId(self.id),
            kind: kind(&self.kind),
            warehouse_id: WarehouseId(self.warehouse_id),
            namespace_id: NamespaceId(self.namespace_id),
            namespace: Namespace::from_key(&self.path),
            lineage: lineage(&self.lineage),
            name: self.name,
            uuid: self.uuid,
            location: Location::parse(&self.location)?,
            metadata_location: self.metadata_location,
            version: self.version,
            format_version: self.format_version,
            protected: self.protected,
            deleted_at_ms: self.deleted_at_ms,
            expires_at_ms: self.expires_at_ms,
            created_at_ms: self.created_at_ms,
            updated_at_ms: self.updated_at_ms,
            warehouse_version: self.warehouse_version,
        })
    }
}

/// The kind that [`TabularKind::as_str`] names; the schema admits no third.
pub(super) fn kind(text: &str) -> TabularKind {
    if text == "view" { TabularKind::View } else { TabularKind::Table }
}

record! {
    struct PageRecord {
        entries: Option<String>,
    }
}

/// An id in hexadecimal digits with a name behind it; a name holds no separator.
fn entry(text: &str) -> Result<TabularEntry> {
    let (id, name) = text.split_at_checked(uuid::fmt::Simple::LENGTH).unwrap_or_default();
    Ok(TabularEntry { id: TabularId(Uuid::try_parse(id).map_err(Error::internal)?), name: name.to_owned() })
}

record! {
    struct DocumentRecord {
        document: Vec<u8>,
        document_crc32: i64,
        document_length: i64,
        refs_document: Option<Vec<u8>>,
        refs_crc32: Option<i64>,
        refs_length: Option<i64>,
    }
}

impl DocumentRecord {
    fn into_row(self) -> Result<Document> {
        let refs = match (self.refs_document, self.refs_crc32, self.refs_length) {
            (Some(deflated), Some(crc32), Some(length)) => Some(packed(deflated, crc32, length)?),
            _ => None,
        };
        Ok(Document { all: packed(self.document, self.document_crc32, self.document_length)?, refs })
    }
}

fn packed(deflated: Vec<u8>, crc32: i64, length: i64) -> Result<Packed> {
    Ok(Packed {
        deflated: deflated.into(),
        crc32: u32::try_from(crc32).map_err(Error::internal)?,
        length: u64::try_from(length).map_err(Error::internal)?,
    })
}

impl Store {
    /// The live table or view of this name with the versions of what is above it: one indexed read, on SQLite none where
    /// nothing was committed since the last one. `None` where the table, the namespace or the warehouse is not there, or
    /// the warehouse is not active.
    pub async fn tabular(&self, warehouse: WarehouseId, ident: &TableIdent) -> Result<Option<Tabular>> {
        let Engine::Sqlite(embedded) = self.engine() else { return self.find_tabular(warehouse, ident).await };
        let Some(state) = embedded.sightings.state() else { return self.find_tabular(warehouse, ident).await };
        if let Some(row) = embedded.sightings.recall(state, warehouse, ident) {
            return Ok(Some(row));
        }
        let found = self.find_tabular(warehouse, ident).await?;
        if let Some(row) = &found {
            embedded.sightings.keep(state, warehouse, ident, row);
        }
        Ok(found)
    }

    async fn find_tabular(&self, warehouse: WarehouseId, ident: &TableIdent) -> Result<Option<Tabular>> {
        let mut lease = self.read("tabular").await?;
        let found = rows!(
            lease,
            fetch_optional,
            TabularRecord,
            "SELECT t.id, t.kind, t.warehouse_id, t.namespace_id, n.path, n.lineage, t.name, t.uuid, t.location,
                    t.metadata_location, t.version, t.format_version, t.protected, t.deleted_at_ms, t.expires_at_ms,
                    t.created_at_ms, t.updated_at_ms, w.version
             FROM namespaces AS n
             JOIN tabulars AS t ON t.namespace_id = n.id
             JOIN warehouses AS w ON w.id = n.warehouse_id
             WHERE n.warehouse_id = $1 AND n.path = $2 AND t.name = $3 AND t.deleted_at_ms IS NULL
               AND w.status = 'active'",
            warehouse.0,
            ident.namespace.key(),
            ident.name.as_str()
        )?;
        found.map(TabularRecord::into_row).transpose()
    }

    /// `None` where the warehouse has no such table or view, or it is soft-deleted and those are not asked for.
    pub async fn tabular_by_id(
        &self,
        warehouse: WarehouseId,
        id: TabularId,
        include_deleted: bool,
    ) -> Result<Option<Tabular>> {
        let mut lease = self.read("tabular_by_id").await?;
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
             WHERE t.id = $1 AND t.warehouse_id = $2 AND (t.deleted_at_ms IS NULL OR $3)",
            id.0,
            warehouse.0,
            include_deleted
        )?;
        found.map(TabularRecord::into_row).transpose()
    }

    /// The live table that a file at `place` belongs to; in any active warehouse where none is named.
    pub async fn table_around(&self, warehouse: Option<WarehouseId>, place: &Location) -> Result<Option<Tabular>> {
        let mut lease = self.read("table_around").await?;
        // No two locations overlap, so only the last one before the place can be around it.
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
             WHERE (t.warehouse_id = $1 OR $1 IS NULL) AND t.location <= $2 AND w.status = 'active'
             ORDER BY t.location DESC
             LIMIT 1",
            warehouse.map(|id| id.0),
            place.prefix()
        )?;
        let row = found.map(TabularRecord::into_row).transpose()?;
        Ok(row.filter(|row| {
            row.kind == TabularKind::Table && row.deleted_at_ms.is_none() && row.location.contains(place)
        }))
    }

    /// The table or view of this id, whichever warehouse it is in, soft-deleted or not.
    pub async fn tabular_of_any_warehouse(&self, id: TabularId) -> Result<Option<Tabular>> {
        let mut lease = self.read("tabular_of_any_warehouse").await?;
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
             WHERE t.id = $1",
            id.0
        )?;
        found.map(TabularRecord::into_row).transpose()
    }

    /// The live tables, or views, directly in a namespace, by name after the given one; all of them without a limit.
    ///
    /// They come as one value: ten thousand rows, each handed from the connection to the caller by itself, take seven
    /// times as long.
    pub async fn tabulars_page(
        &self,
        namespace: NamespaceId,
        kind: TabularKind,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Vec<TabularEntry>> {
        let mut lease = self.list("tabulars_page").await?;
        let text = match lease.on() {
            On::Sqlite(_) => {
                "SELECT string_agg(hex(id) || name, $5)
                 FROM (SELECT id, name
                       FROM tabulars
                       WHERE namespace_id = $1 AND kind = $2 AND deleted_at_ms IS NULL AND name > $3
                       ORDER BY name
                       LIMIT $4) AS page"
            }
            On::Postgres(..) => {
                "SELECT string_agg(replace(CAST(id AS TEXT), '-', '') || name, $5)
                 FROM (SELECT id, name
                       FROM tabulars
                       WHERE namespace_id = $1 AND kind = $2 AND deleted_at_ms IS NULL AND name > $3
                       ORDER BY name
                       LIMIT $4) AS page"
            }
        };
        let page = rows!(
            lease,
            fetch_one,
            PageRecord,
            text,
            namespace.0,
            kind.as_str(),
            after.unwrap_or_default(),
            limit.map_or(i64::MAX, i64::from),
            SEPARATOR.to_string()
        )?;
        page.entries.iter().flat_map(|entries| entries.split(SEPARATOR)).map(entry).collect()
    }

    /// Soft-deleted tables and views of a warehouse, or of one namespace in it, in the order of their ids.
    pub async fn deleted_page(
        &self,
        warehouse: WarehouseId,
        namespace: Option<NamespaceId>,
        after: Option<TabularId>,
        limit: u32,
    ) -> Result<Vec<Tabular>> {
        let mut lease = self.list("deleted_page").await?;
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
             WHERE t.warehouse_id = $1 AND t.deleted_at_ms IS NOT NULL AND t.id > $2
               AND (t.namespace_id = $3 OR $3 IS NULL)
             ORDER BY t.id
             LIMIT $4",
            warehouse.0,
            after.map_or(Uuid::nil(), |id| id.0),
            namespace.map(|id| id.0),
            i64::from(limit)
        )?;
        found.into_iter().map(TabularRecord::into_row).collect()
    }

    /// The metadata of a row that was read; `None` where the table is gone or has moved on since.
    pub async fn document(&self, id: TabularId, version: i64, metadata_location: &str) -> Result<Option<Document>> {
        let mut lease = self.read("document").await?;
        let found = rows!(
            lease,
            fetch_optional,
            DocumentRecord,
            "SELECT document, document_crc32, document_length, refs_document, refs_crc32, refs_length
             FROM tabulars
             WHERE id = $1 AND version = $2 AND metadata_location = $3",
            id.0,
            version,
            metadata_location
        )?;
        found.map(DocumentRecord::into_row).transpose()
    }

    /// A namespace with everything below it, as a recursive drop takes it.
    pub async fn subtree(&self, warehouse: WarehouseId, path: &Namespace) -> Result<Subtree> {
        let key = path.key();
        let (below, end) = (format!("{key}\u{1F}"), format!("{key}\u{20}"));
        let mut lease = self.read("subtree").await?;
        let namespaces = rows!(
            lease,
            fetch_all,
            NamespaceRecord,
            "SELECT id, warehouse_id, path, lineage, properties, protected, version, created_at_ms, updated_at_ms,
                    (SELECT w.version FROM warehouses AS w WHERE w.id = warehouse_id)
             FROM namespaces
             WHERE warehouse_id = $1 AND (path = $2 OR (path > $3 AND path < $4))
             ORDER BY path DESC",
            warehouse.0,
            key.as_str(),
            below.as_str(),
            end.as_str()
        )?;
        let tabulars = rows!(
            lease,
            fetch_all,
            TabularRecord,
            "SELECT t.id, t.kind, t.warehouse_id, t.namespace_id, n.path, n.lineage, t.name, t.uuid, t.location,
                    t.metadata_location, t.version, t.format_version, t.protected, t.deleted_at_ms, t.expires_at_ms,
                    t.created_at_ms, t.updated_at_ms, w.version
             FROM namespaces AS n
             JOIN tabulars AS t ON t.namespace_id = n.id
             JOIN warehouses AS w ON w.id = n.warehouse_id
             WHERE n.warehouse_id = $1 AND (n.path = $2 OR (n.path > $3 AND n.path < $4))
             ORDER BY t.id",
            warehouse.0,
            key.as_str(),
            below.as_str(),
            end.as_str()
        )?;
        Ok(Subtree {
            namespaces: namespaces.into_iter().map(NamespaceRecord::into_row).collect::<Result<_>>()?,
            tabulars: tabulars.into_iter().map(TabularRecord::into_row).collect::<Result<_>>()?,
        })
    }
}
