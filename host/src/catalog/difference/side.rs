//! One side of a change: the object as it is, or as it would be.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::columns::{self, Column};
use crate::catalog::ident::Namespace;
use crate::catalog::metadata::{Entry, SnapshotHeader, TableMetadata};
use crate::catalog::schema::Schema;
use crate::catalog::view::ViewMetadata;
use crate::error::Error;

/// A state of a table, a view or a namespace.
#[derive(Debug)]
pub struct Side {
    of: Of,
    schema: Option<Arc<Schema>>,
    columns: OnceLock<Vec<Column>>,
    tree: OnceLock<Option<Value>>,
}

#[derive(Debug)]
enum Of {
    Table(Arc<TableMetadata>),
    View(Arc<ViewMetadata>),
    Namespace { id: Uuid, path: Vec<String>, properties: IndexMap<String, String> },
}

impl Side {
    /// 400 where the current schema cannot be understood: a contract must not take that for a table without columns.
    pub fn table(metadata: Arc<TableMetadata>) -> Result<Self, Error> {
        let schema = metadata.state().current_schema()?;
        Ok(Self::of(Of::Table(metadata), Some(schema)))
    }

    /// The same for a view, with the schema of its current version.
    pub fn view(metadata: Arc<ViewMetadata>) -> Result<Self, Error> {
        let schema = Arc::new(metadata.current_schema()?);
        Ok(Self::of(Of::View(metadata), Some(schema)))
    }

    pub fn namespace(id: Uuid, path: &Namespace, properties: &IndexMap<String, String>) -> Self {
        let of = Of::Namespace { id, path: path.parts().to_vec(), properties: properties.clone() };
        Self::of(of, None)
    }

    fn of(of: Of, schema: Option<Arc<Schema>>) -> Self {
        Self { of, schema, columns: OnceLock::new(), tree: OnceLock::new() }
    }

    /// Of the metadata; of a namespace its id.
    pub fn uuid(&self) -> Uuid {
        match &self.of {
            Of::Table(metadata) => metadata.uuid(),
            Of::View(metadata) => metadata.uuid(),
            Of::Namespace { id, .. } => *id,
        }
    }

    /// Empty for a namespace without one.
    pub fn location(&self) -> &str {
        match &self.of {
            Of::Table(metadata) => metadata.location(),
            Of::View(metadata) => metadata.location(),
            Of::Namespace { properties, .. } => properties.get("location").map_or("", String::as_str),
        }
    }

    /// 0 for a namespace.
    pub fn format_version(&self) -> i32 {
        match &self.of {
            Of::Table(metadata) => metadata.format_version(),
            Of::View(metadata) => metadata.format_version(),
            Of::Namespace { .. } => 0,
        }
    }

    /// Those of the current schema, of all depths.
    pub fn columns(&self) -> &[Column] {
        self.columns.get_or_init(|| self.schema.as_deref().map(columns::all).unwrap_or_default())
    }

    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties().get(key).map(String::as_str)
    }

    pub(super) fn property_keys(&self) -> impl Iterator<Item = &str> {
        self.properties().keys().map(String::as_str)
    }

    fn properties(&self) -> &IndexMap<String, String> {
        match &self.of {
            Of::Table(metadata) => metadata.properties(),
            Of::View(metadata) => metadata.properties(),
            Of::Namespace { properties, .. } => properties,
        }
    }

    /// The metadata document; `None` where it cannot be written as one.
    pub fn document(&self) -> Option<&Value> {
        let written = || match &self.of {
            Of::Table(metadata) => serde_json::from_slice(&metadata.to_bytes().ok()?).ok(),
            Of::View(metadata) => serde_json::from_slice(&metadata.to_bytes().ok()?).ok(),
            Of::Namespace { path, properties, .. } => Some(json!({ "namespace": path, "properties": properties })),
        };
        self.tree.get_or_init(written).as_ref()
    }

    /// Whether both have the very same schema, so that nothing needs to be compared.
    pub(super) fn has_schema_of(&self, other: &Self) -> bool {
        match (&self.schema, &other.schema) {
            (Some(one), Some(another)) => Arc::ptr_eq(one, another),
            (None, None) => true,
            _ => false,
        }
    }

    pub(super) fn ref_names(&self) -> impl Iterator<Item = &str> {
        let table = self.as_table();
        table.into_iter().flat_map(|metadata| metadata.refs().map(|(name, _)| name))
    }

    pub(super) fn snapshot_of(&self, name: &str) -> Option<i64> {
        self.as_table()?.state().refs.get(name).map(|entry| entry.header.snapshot_id)
    }

    pub(super) fn newest_snapshot(&self) -> Option<&Entry<SnapshotHeader>> {
        self.as_table()?.state().snapshots.last()
    }

    pub(super) fn has_snapshot(&self, snapshot_id: i64) -> bool {
        self.as_table().is_some_and(|metadata| metadata.snapshots().any(|header| header.snapshot_id == snapshot_id))
    }

    fn as_table(&self) -> Option<&TableMetadata> {
        match &self.of {
            Of::Table(metadata) => Some(metadata),
            Of::View(_) | Of::Namespace { .. } => None,
        }
    }
}

/// A value of a snapshot's summary.
pub(super) fn summary(snapshot: &Entry<SnapshotHeader>, key: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Summarised {
        summary: Option<IndexMap<String, String>>,
    }
    snapshot.text.read::<Summarised>().ok()?.summary?.get(key).cloned()
}
