//! Updates out of their JSON.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;

use super::update::{Manifests, NewSchema, NewSpec, TableUpdate};
use crate::catalog::json::Text;
use crate::catalog::metadata::{KeyHeader, SnapshotHeader, SnapshotRef};
use crate::catalog::partition::UnboundSpec;
use crate::catalog::schema::Schema;
use crate::error::Error;

/// The updates that carry no part of the document.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum Plain {
    AssignUuid {
        uuid: String,
    },
    UpgradeFormatVersion {
        format_version: i32,
    },
    SetCurrentSchema {
        schema_id: i32,
    },
    SetDefaultSpec {
        spec_id: i32,
    },
    SetDefaultSortOrder {
        sort_order_id: i32,
    },
    SetSnapshotRef {
        ref_name: String,
        #[serde(flatten)]
        reference: SnapshotRef,
    },
    RemoveSnapshots {
        snapshot_ids: Vec<i64>,
    },
    RemoveSnapshotRef {
        ref_name: String,
    },
    SetLocation {
        location: String,
    },
    SetProperties {
        #[serde(alias = "updated")]
        updates: IndexMap<String, String>,
    },
    RemoveProperties {
        #[serde(alias = "removed")]
        removals: Vec<String>,
    },
    RemoveStatistics {
        snapshot_id: i64,
    },
    RemovePartitionStatistics {
        snapshot_id: i64,
    },
    RemovePartitionSpecs {
        spec_ids: Vec<i32>,
    },
    RemoveSchemas {
        schema_ids: Vec<i32>,
    },
    RemoveEncryptionKey {
        key_id: String,
    },
    #[serde(other)]
    Unknown,
}

pub(super) fn parse(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        action: Cow<'a, str>,
    }
    let envelope: Envelope<'_> = read("update", text)?;
    match envelope.action.as_ref() {
        "add-schema" => add_schema(text),
        "add-spec" => add_spec(text),
        "add-sort-order" => add_sort_order(text),
        "add-snapshot" => add_snapshot(text),
        "set-statistics" => set_statistics(text),
        "set-partition-statistics" => set_partition_statistics(text),
        "add-encryption-key" => add_encryption_key(text),
        "add-view-version" | "set-current-view-version" => {
            Err(Error::BadRequest(format!("Cannot apply {} to a table: it is an update of views", envelope.action)))
        }
        action => plain(action, text),
    }
}

fn plain(action: &str, text: &str) -> Result<TableUpdate, Error> {
    Ok(match read::<Plain>(action, text)? {
        Plain::AssignUuid { uuid } => TableUpdate::AssignUuid { uuid },
        Plain::UpgradeFormatVersion { format_version } => TableUpdate::UpgradeFormatVersion { format_version },
        Plain::SetCurrentSchema { schema_id } => TableUpdate::SetCurrentSchema { schema_id },
        Plain::SetDefaultSpec { spec_id } => TableUpdate::SetDefaultSpec { spec_id },
        Plain::SetDefaultSortOrder { sort_order_id } => TableUpdate::SetDefaultSortOrder { order_id: sort_order_id },
        Plain::SetSnapshotRef { ref_name, reference } => TableUpdate::SetSnapshotRef { name: ref_name, reference },
        Plain::RemoveSnapshots { snapshot_ids } => TableUpdate::RemoveSnapshots { snapshot_ids },
        Plain::RemoveSnapshotRef { ref_name } => TableUpdate::RemoveSnapshotRef { name: ref_name },
        Plain::SetLocation { location } => TableUpdate::SetLocation { location },
        Plain::SetProperties { updates } => TableUpdate::SetProperties { updates },
        Plain::RemoveProperties { removals } => TableUpdate::RemoveProperties { removals },
        Plain::RemoveStatistics { snapshot_id } => TableUpdate::RemoveStatistics { snapshot_id },
        Plain::RemovePartitionStatistics { snapshot_id } => TableUpdate::RemovePartitionStatistics { snapshot_id },
        Plain::RemovePartitionSpecs { spec_ids } => TableUpdate::RemovePartitionSpecs { spec_ids },
        Plain::RemoveSchemas { schema_ids } => TableUpdate::RemoveSchemas { schema_ids },
        Plain::RemoveEncryptionKey { key_id } => TableUpdate::RemoveEncryptionKey { key_id },
        Plain::Unknown => {
            return Err(Error::BadRequest(format!(
                "Unknown update: {action} is no action of the Iceberg REST specification that this catalog knows, \
                 such as add-snapshot or set-properties; nothing was changed"
            )));
        }
    })
}

fn add_schema(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    struct Body {
        schema: Text,
    }
    let body: Body = read("add-schema", text)?;
    let schema = Arc::new(Schema::parse(&body.schema)?);
    Ok(TableUpdate::AddSchema(NewSchema { schema, text: body.schema }))
}

fn add_spec(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    struct Body {
        spec: Text,
    }
    let body: Body = read("add-spec", text)?;
    let spec: UnboundSpec = read("add-spec", body.spec.as_str())?;
    Ok(TableUpdate::AddSpec(NewSpec { spec, text: body.spec }))
}

fn add_sort_order(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Body {
        sort_order: Text,
    }
    let body: Body = read("add-sort-order", text)?;
    let order = read("add-sort-order", body.sort_order.as_str())?;
    Ok(TableUpdate::AddSortOrder { order, text: body.sort_order })
}

fn add_snapshot(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    struct Body {
        snapshot: Text,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Paths {
        #[serde(default)]
        manifest_list: Option<String>,
        #[serde(default)]
        manifests: Option<Vec<String>>,
        /// Read so that a summary that is no map of strings is refused.
        #[serde(default, rename = "summary")]
        _summary: Option<IndexMap<String, String>>,
    }
    let body: Body = read("add-snapshot", text)?;
    let header: SnapshotHeader = read("add-snapshot", body.snapshot.as_str())?;
    let paths: Paths = read("add-snapshot", body.snapshot.as_str())?;
    let manifests = Manifests { list: paths.manifest_list, each: paths.manifests.unwrap_or_default() };
    Ok(TableUpdate::AddSnapshot { header, manifests, text: body.snapshot })
}

/// What is read of a statistics file; the sizes so that their absence is noticed.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct StatisticsFile {
    snapshot_id: i64,
    statistics_path: String,
    #[serde(rename = "file-size-in-bytes")]
    _file_size_in_bytes: i64,
}

fn set_statistics(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Body {
        #[serde(default)]
        snapshot_id: Option<i64>,
        statistics: Text,
    }
    let body: Body = read("set-statistics", text)?;
    let file: StatisticsFile = read("set-statistics", body.statistics.as_str())?;
    if let Some(beside) = body.snapshot_id.filter(|id| *id != file.snapshot_id) {
        return Err(Error::BadRequest(format!(
            "set-statistics: snapshot-id {beside} beside the statistics is not their snapshot-id {}; leave it out",
            file.snapshot_id
        )));
    }
    Ok(TableUpdate::SetStatistics { snapshot_id: file.snapshot_id, path: file.statistics_path, text: body.statistics })
}

fn set_partition_statistics(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Body {
        partition_statistics: Text,
    }
    let body: Body = read("set-partition-statistics", text)?;
    let file: StatisticsFile = read("set-partition-statistics", body.partition_statistics.as_str())?;
    Ok(TableUpdate::SetPartitionStatistics {
        snapshot_id: file.snapshot_id,
        path: file.statistics_path,
        text: body.partition_statistics,
    })
}

fn add_encryption_key(text: &str) -> Result<TableUpdate, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Body {
        encryption_key: Text,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Key {
        key_id: String,
        /// Read so that a key without its material is refused.
        #[serde(rename = "encrypted-key-metadata")]
        _encrypted_key_metadata: String,
    }
    let body: Body = read("add-encryption-key", text)?;
    let key: Key = read("add-encryption-key", body.encryption_key.as_str())?;
    Ok(TableUpdate::AddEncryptionKey { header: KeyHeader { key_id: key.key_id }, text: body.encryption_key })
}

fn read<'a, T: Deserialize<'a>>(action: &str, text: &'a str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::BadRequest(format!("Invalid {action}: {error}")))
}
