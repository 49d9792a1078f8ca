//! What the rules need to know of a table's metadata.

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::catalog::json::Text;
use crate::catalog::partition::PartitionSpec;
use crate::catalog::schema::Schema;
use crate::catalog::sort::SortOrder;
use crate::error::Error;

/// The branch that readers see when they name none.
pub const MAIN: &str = "main";

/// The typed side of a metadata document; lists are shared until they are changed.
#[derive(Clone, Debug)]
pub(in crate::catalog) struct State {
    pub format_version: i32,
    pub uuid: String,
    pub location: String,
    pub last_sequence_number: i64,
    pub last_updated_ms: i64,
    pub last_column_id: i32,
    pub current_schema_id: i32,
    pub schemas: Arc<Vec<SchemaEntry>>,
    pub default_spec_id: i32,
    pub specs: Arc<Vec<Entry<PartitionSpec>>>,
    pub last_partition_id: i32,
    pub default_sort_order_id: i32,
    pub sort_orders: Arc<Vec<Entry<SortOrder>>>,
    pub properties: Arc<IndexMap<String, String>>,
    pub current_snapshot_id: Option<i64>,
    pub next_row_id: i64,
    pub encryption_keys: Arc<Vec<Entry<KeyHeader>>>,
    pub refs: Arc<IndexMap<String, Entry<SnapshotRef>>>,
    pub snapshots: Arc<Vec<Entry<SnapshotHeader>>>,
    pub statistics: Arc<Vec<Entry<StatisticsHeader>>>,
    pub partition_statistics: Arc<Vec<Entry<StatisticsHeader>>>,
    pub snapshot_log: Arc<Vec<Entry<SnapshotLogEntry>>>,
    pub metadata_log: Arc<Vec<Entry<MetadataLogEntry>>>,
}

impl State {
    pub fn schema_entry(&self, schema_id: i32) -> Option<&SchemaEntry> {
        self.schemas.iter().find(|entry| entry.id == schema_id)
    }

    pub fn spec(&self, spec_id: i32) -> Option<&Entry<PartitionSpec>> {
        self.specs.iter().find(|entry| entry.header.spec_id == spec_id)
    }

    pub fn sort_order(&self, order_id: i32) -> Option<&Entry<SortOrder>> {
        self.sort_orders.iter().find(|entry| entry.header.order_id == order_id)
    }

    /// The current schema, parsed on first use. 400 if there is none or it cannot be understood.
    pub fn current_schema(&self) -> Result<Arc<Schema>, Error> {
        self.schema_entry(self.current_schema_id)
            .ok_or_else(|| {
                Error::BadRequest(format!("the table has no schema with id {}: add one first", self.current_schema_id))
            })?
            .schema()
    }
}

/// An element of the document: what the rules read of it beside its text.
#[derive(Clone, Debug)]
pub struct Entry<H> {
    pub header: H,
    pub text: Text,
}

impl<H: Serialize> Entry<H> {
    /// An element that the catalog itself writes.
    pub fn written(header: H) -> Result<Self, Error> {
        let text = Text::of(&header)?;
        Ok(Self { header, text })
    }
}

/// A schema that is parsed only when a rule asks for its fields.
#[derive(Clone, Debug)]
pub struct SchemaEntry {
    pub id: i32,
    pub text: Text,
    parsed: Arc<OnceLock<Arc<Schema>>>,
}

impl SchemaEntry {
    pub fn unread(id: i32, text: Text) -> Self {
        Self { id, text, parsed: Arc::default() }
    }

    pub fn read(id: i32, text: Text, schema: Arc<Schema>) -> Self {
        Self { id, text, parsed: Arc::new(OnceLock::from(schema)) }
    }

    pub fn schema(&self) -> Result<Arc<Schema>, Error> {
        if let Some(schema) = self.parsed.get() {
            return Ok(schema.clone());
        }
        let schema = Arc::new(Schema::parse(&self.text)?);
        Ok(self.parsed.get_or_init(|| schema).clone())
    }
}

/// What the rules read of a snapshot.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotHeader {
    pub snapshot_id: i64,
    #[serde(default)]
    pub parent_snapshot_id: Option<i64>,
    #[serde(default)]
    pub sequence_number: i64,
    pub timestamp_ms: i64,
    #[serde(default)]
    pub schema_id: Option<i32>,
    #[serde(default)]
    pub first_row_id: Option<i64>,
    #[serde(default)]
    pub added_rows: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefKind {
    #[serde(alias = "BRANCH")]
    Branch,
    #[serde(alias = "TAG")]
    Tag,
}

impl RefKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

/// A branch or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotRef {
    pub snapshot_id: i64,
    #[serde(rename = "type")]
    pub kind: RefKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_snapshots_to_keep: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ref_age_ms: Option<i64>,
}

impl SnapshotRef {
    pub const fn branch(snapshot_id: i64) -> Self {
        Self {
            snapshot_id,
            kind: RefKind::Branch,
            min_snapshots_to_keep: None,
            max_snapshot_age_ms: None,
            max_ref_age_ms: None,
        }
    }
}

/// What the rules read of a statistics file of a snapshot, be it of the table or of its partitions.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatisticsHeader {
    pub snapshot_id: i64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KeyHeader {
    pub key_id: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotLogEntry {
    pub timestamp_ms: i64,
    pub snapshot_id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetadataLogEntry {
    pub timestamp_ms: i64,
    pub metadata_file: String,
}
