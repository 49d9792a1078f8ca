//! Updates drawn at random, right ones with wrong ones.

use proptest::prelude::*;
use serde_json::{Value, json};
use weir::catalog::metadata::TableMetadata;

use super::LOCATION;

/// An update with small numbers, so that updates meet each other.
#[derive(Clone, Debug)]
pub enum Update {
    UpgradeFormatVersion(i32),
    AddSchema(usize),
    SetCurrentSchema(i32),
    AddSpec(usize),
    SetDefaultSpec(i32),
    AddSortOrder(usize),
    SetDefaultSortOrder(i32),
    AddSnapshot { id: i64, parent: Option<i64>, is_stale: bool },
    SetRef { name: &'static str, is_tag: bool, id: i64 },
    RemoveSnapshots(Vec<i64>),
    RemoveRef(&'static str),
    SetProperties(u8, u8),
    RemoveProperties(u8),
    SetStatistics(i64),
    RemoveStatistics(i64),
    SetPartitionStatistics(i64),
    RemovePartitionStatistics(i64),
    RemoveSpecs(i32),
    RemoveSchemas(i32),
    RemoveEncryptionKey(u8),
}

impl Update {
    pub fn samples() -> Vec<Self> {
        vec![
            Self::UpgradeFormatVersion(3),
            Self::AddSchema(1),
            Self::SetCurrentSchema(-1),
            Self::AddSpec(1),
            Self::SetDefaultSpec(-1),
            Self::AddSortOrder(1),
            Self::SetDefaultSortOrder(-1),
            Self::AddSnapshot { id: 1, parent: None, is_stale: false },
            Self::SetRef { name: "main", is_tag: false, id: 1 },
            Self::RemoveSnapshots(vec![1]),
            Self::RemoveRef("main"),
            Self::SetProperties(1, 1),
            Self::RemoveProperties(1),
            Self::SetStatistics(1),
            Self::RemoveStatistics(1),
            Self::SetPartitionStatistics(1),
            Self::RemovePartitionStatistics(1),
            Self::RemoveSpecs(1),
            Self::RemoveSchemas(1),
            Self::RemoveEncryptionKey(1),
        ]
    }
}

pub fn update() -> impl Strategy<Value = Update> {
    let id = 1..7_i64;
    let name = prop::sample::select(vec!["main", "main", "main", "dev", "tag"]);
    let snapshot = (id.clone(), prop::option::of(id.clone()), prop::bool::weighted(0.1));
    prop_oneof![
        1 => (1..=3).prop_map(Update::UpgradeFormatVersion),
        3 => (0..POOL).prop_map(Update::AddSchema),
        3 => (-1..4).prop_map(Update::SetCurrentSchema),
        3 => (0..POOL).prop_map(Update::AddSpec),
        3 => (-1..4).prop_map(Update::SetDefaultSpec),
        3 => (0..POOL).prop_map(Update::AddSortOrder),
        3 => (-1..4).prop_map(Update::SetDefaultSortOrder),
        // A stale snapshot without a parent takes the crate's last-sequence-number back.
        9 => snapshot.prop_map(|(id, parent, is_stale)| {
            Update::AddSnapshot { id, parent: parent.or(is_stale.then_some(1)), is_stale }
        }),
        9 => (name.clone(), id.clone()).prop_map(|(name, id)| Update::SetRef { name, is_tag: name == "tag", id }),
        2 => prop::collection::vec(id.clone(), 1..3).prop_map(Update::RemoveSnapshots),
        2 => name.prop_map(Update::RemoveRef),
        2 => (0..4_u8, 0..3_u8).prop_map(|(key, value)| Update::SetProperties(key, value)),
        1 => (0..4_u8).prop_map(Update::RemoveProperties),
        1 => id.clone().prop_map(Update::SetStatistics),
        1 => id.clone().prop_map(Update::RemoveStatistics),
        1 => id.clone().prop_map(Update::SetPartitionStatistics),
        1 => id.prop_map(Update::RemovePartitionStatistics),
        1 => (0..4).prop_map(Update::RemoveSpecs),
        1 => (0..4).prop_map(Update::RemoveSchemas),
        1 => (0..2_u8).prop_map(Update::RemoveEncryptionKey),
    ]
}

/// How many schemas, specs and orders there are to choose from.
const POOL: usize = 4;

/// Columns that grow with the number; the third has a struct, so that ids are nested.
pub fn columns(number: usize) -> Value {
    let point = json!({"type": "struct", "fields": [
        {"id": 5, "name": "x", "required": true, "type": "double"},
        {"id": 6, "name": "y", "required": true, "type": "double"},
    ]});
    let columns = [
        json!({"id": 1, "name": "id", "required": true, "type": "long"}),
        json!({"id": 2, "name": "data", "required": false, "type": "string"}),
        json!({"id": 3, "name": "at", "required": false, "type": "timestamptz"}),
        json!({"id": 4, "name": "point", "required": false, "type": point}),
    ];
    json!(columns.into_iter().take(number + 1).collect::<Vec<_>>())
}

fn spec(number: usize) -> Value {
    json!([
        {"spec-id": 0, "fields": []},
        {"spec-id": 0, "fields": [{"source-id": 1, "field-id": 1000, "name": "id_bucket", "transform": "bucket[16]"}]},
        {"spec-id": 0, "fields": [{"source-id": 2, "field-id": 1001, "name": "data", "transform": "identity"}]},
        {"spec-id": 0, "fields": [{"source-id": 3, "field-id": 1000, "name": "at_day", "transform": "day"}]},
    ])[number]
        .clone()
}

fn order(number: usize) -> Value {
    let by = |source: i32| json!({"source-id": source, "transform": "identity", "direction": "asc", "null-order": "nulls-first"});
    json!([
        {"order-id": 0, "fields": []},
        {"order-id": 1, "fields": [by(1)]},
        {"order-id": 1, "fields": [by(2), by(1)]},
        {"order-id": 1, "fields": [by(3)]},
    ])[number]
        .clone()
}

/// The updates as a client sends them that has read `base`.
pub fn sent(base: &TableMetadata, updates: &[Update]) -> Vec<Value> {
    let mut sequence_number = base.last_sequence_number();
    let mut format_version = base.format_version();
    let mut next_row_id = base.member("next-row-id").map_or(0, |text| text.parse().unwrap());
    let mut sent = Vec::new();
    for update in updates {
        match update {
            Update::UpgradeFormatVersion(version) => format_version = *version,
            Update::AddSnapshot { is_stale: false, .. } if format_version > 1 => sequence_number += 1,
            _ => {}
        }
        let next = Next {
            sequence_number,
            row_id: (format_version > 2).then_some(next_row_id),
            timestamp_ms: base.last_updated_ms() + 1,
        };
        sent.push(one(update, &next));
        if matches!(update, Update::AddSnapshot { .. }) {
            next_row_id += ADDED_ROWS;
        }
    }
    sent
}

const ADDED_ROWS: i64 = 10;

/// What the next snapshot carries.
struct Next {
    sequence_number: i64,
    row_id: Option<i64>,
    timestamp_ms: i64,
}

fn one(update: &Update, next: &Next) -> Value {
    match update {
        Update::UpgradeFormatVersion(version) => json!({"action": "upgrade-format-version", "format-version": version}),
        Update::AddSchema(number) => {
            let schema = json!({"type": "struct", "schema-id": number, "fields": columns(*number)});
            json!({"action": "add-schema", "schema": schema})
        }
        Update::SetCurrentSchema(id) => json!({"action": "set-current-schema", "schema-id": id}),
        Update::AddSpec(number) => json!({"action": "add-spec", "spec": spec(*number)}),
        Update::SetDefaultSpec(id) => json!({"action": "set-default-spec", "spec-id": id}),
        Update::AddSortOrder(number) => json!({"action": "add-sort-order", "sort-order": order(*number)}),
        Update::SetDefaultSortOrder(id) => json!({"action": "set-default-sort-order", "sort-order-id": id}),
        Update::AddSnapshot { id, parent, .. } => {
            json!({"action": "add-snapshot", "snapshot": snapshot(*id, *parent, next)})
        }
        Update::SetRef { name, is_tag, id } => {
            let kind = if *is_tag { "tag" } else { "branch" };
            json!({"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id})
        }
        Update::RemoveSnapshots(ids) => json!({"action": "remove-snapshots", "snapshot-ids": ids}),
        Update::RemoveRef(name) => json!({"action": "remove-snapshot-ref", "ref-name": name}),
        Update::SetProperties(key, value) => {
            json!({"action": "set-properties", "updates": {format!("key-{key}"): value.to_string()}})
        }
        Update::RemoveProperties(key) => json!({"action": "remove-properties", "removals": [format!("key-{key}")]}),
        Update::RemoveSpecs(id) => json!({"action": "remove-partition-specs", "spec-ids": [id]}),
        Update::RemoveSchemas(id) => json!({"action": "remove-schemas", "schema-ids": [id]}),
        Update::RemoveEncryptionKey(id) => json!({"action": "remove-encryption-key", "key-id": format!("key-{id}")}),
        Update::SetStatistics(_)
        | Update::RemoveStatistics(_)
        | Update::SetPartitionStatistics(_)
        | Update::RemovePartitionStatistics(_) => statistics(update),
    }
}

fn statistics(update: &Update) -> Value {
    let file = |id: &i64| json!({"snapshot-id": id, "statistics-path": format!("{LOCATION}/metadata/{id}.puffin"), "file-size-in-bytes": 10});
    match update {
        Update::SetStatistics(id) => {
            let mut statistics = file(id);
            statistics["file-footer-size-in-bytes"] = json!(5);
            statistics["blob-metadata"] = json!([]);
            json!({"action": "set-statistics", "snapshot-id": id, "statistics": statistics})
        }
        Update::RemoveStatistics(id) => json!({"action": "remove-statistics", "snapshot-id": id}),
        Update::SetPartitionStatistics(id) => {
            json!({"action": "set-partition-statistics", "partition-statistics": file(id)})
        }
        Update::RemovePartitionStatistics(id) => json!({"action": "remove-partition-statistics", "snapshot-id": id}),
        _ => Value::Null,
    }
}

fn snapshot(id: i64, parent: Option<i64>, next: &Next) -> Value {
    let mut snapshot = json!({
        "snapshot-id": id,
        "timestamp-ms": next.timestamp_ms,
        "manifest-list": format!("{LOCATION}/metadata/snap-{id}.avro"),
        "summary": {"operation": "append"},
        "schema-id": 0,
    });
    if next.sequence_number > 0 {
        snapshot["sequence-number"] = json!(next.sequence_number);
    }
    if let Some(row_id) = next.row_id {
        snapshot["first-row-id"] = json!(row_id);
        snapshot["added-rows"] = json!(ADDED_ROWS);
    }
    if let Some(parent) = parent {
        snapshot["parent-snapshot-id"] = json!(parent);
    }
    snapshot
}
