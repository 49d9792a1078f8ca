//! What a client asks to be changed.

use std::sync::Arc;

use indexmap::IndexMap;

use super::payload;
use crate::catalog::json::Text;
use crate::catalog::metadata::{KeyHeader, SnapshotHeader, SnapshotRef};
use crate::catalog::partition::UnboundSpec;
use crate::catalog::schema::Schema;
use crate::catalog::sort::SortOrder;
use crate::error::Error;

/// One change of a table; what goes into the document carries its text as it was sent.
#[derive(Clone, Debug)]
pub enum TableUpdate {
    AssignUuid { uuid: String },
    UpgradeFormatVersion { format_version: i32 },
    AddSchema(NewSchema),
    SetCurrentSchema { schema_id: i32 },
    AddSpec(NewSpec),
    SetDefaultSpec { spec_id: i32 },
    AddSortOrder { order: SortOrder, text: Text },
    SetDefaultSortOrder { order_id: i32 },
    AddSnapshot { header: SnapshotHeader, manifests: Manifests, text: Text },
    SetSnapshotRef { name: String, reference: SnapshotRef },
    RemoveSnapshots { snapshot_ids: Vec<i64> },
    RemoveSnapshotRef { name: String },
    SetLocation { location: String },
    SetProperties { updates: IndexMap<String, String> },
    RemoveProperties { removals: Vec<String> },
    SetStatistics { snapshot_id: i64, path: String, text: Text },
    RemoveStatistics { snapshot_id: i64 },
    SetPartitionStatistics { snapshot_id: i64, path: String, text: Text },
    RemovePartitionStatistics { snapshot_id: i64 },
    RemovePartitionSpecs { spec_ids: Vec<i32> },
    RemoveSchemas { schema_ids: Vec<i32> },
    AddEncryptionKey { header: KeyHeader, text: Text },
    RemoveEncryptionKey { key_id: String },
}

/// Where a snapshot's manifests are told: in a file of their own, or, as version 1 allows, one by one.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    pub list: Option<String>,
    pub each: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct NewSchema {
    pub schema: Arc<Schema>,
    pub text: Text,
}

#[derive(Clone, Debug)]
pub struct NewSpec {
    pub spec: UnboundSpec,
    pub text: Text,
}

impl TableUpdate {
    /// 400 naming an unknown action or the field that is wrong.
    pub fn parse(text: &str) -> Result<Self, Error> {
        payload::parse(text)
    }

    /// The branch or tag that it sets or removes.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::SetSnapshotRef { name, .. } | Self::RemoveSnapshotRef { name } => Some(name),
            _ => None,
        }
    }

    /// The keys of the properties that it sets or removes.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let (set, removed) = match self {
            Self::SetProperties { updates } => (Some(updates.keys()), None),
            Self::RemoveProperties { removals } => (None, Some(removals)),
            _ => (None, None),
        };
        set.into_iter().flatten().chain(removed.into_iter().flatten()).map(String::as_str)
    }

    /// The `action` of the update.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::AssignUuid { .. } => "assign-uuid",
            Self::UpgradeFormatVersion { .. } => "upgrade-format-version",
            Self::AddSchema(_) => "add-schema",
            Self::SetCurrentSchema { .. } => "set-current-schema",
            Self::AddSpec(_) => "add-spec",
            Self::SetDefaultSpec { .. } => "set-default-spec",
            Self::AddSortOrder { .. } => "add-sort-order",
            Self::SetDefaultSortOrder { .. } => "set-default-sort-order",
            Self::AddSnapshot { .. } => "add-snapshot",
            Self::SetSnapshotRef { .. } => "set-snapshot-ref",
            Self::RemoveSnapshots { .. } => "remove-snapshots",
            Self::RemoveSnapshotRef { .. } => "remove-snapshot-ref",
            Self::SetLocation { .. } => "set-location",
            Self::SetProperties { .. } => "set-properties",
            Self::RemoveProperties { .. } => "remove-properties",
            Self::SetStatistics { .. } => "set-statistics",
            Self::RemoveStatistics { .. } => "remove-statistics",
            Self::SetPartitionStatistics { .. } => "set-partition-statistics",
            Self::RemovePartitionStatistics { .. } => "remove-partition-statistics",
            Self::RemovePartitionSpecs { .. } => "remove-partition-specs",
            Self::RemoveSchemas { .. } => "remove-schemas",
            Self::AddEncryptionKey { .. } => "add-encryption-key",
            Self::RemoveEncryptionKey { .. } => "remove-encryption-key",
        }
    }
}
