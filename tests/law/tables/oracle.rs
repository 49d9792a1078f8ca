//! The `iceberg` crate as the other opinion.

use iceberg::TableUpdate;
use iceberg::spec::TableMetadata;
use serde_json::{Map, Value, json};

/// The table after the updates, `None` when the crate sees no change, or why it refuses.
pub fn commit(base: &[u8], location: &str, updates: &[Value]) -> Result<Option<Value>, String> {
    let base: TableMetadata = serde_json::from_slice(base).unwrap();
    let mut builder = base.into_builder(Some(location.to_owned()));
    for update in updates {
        let update: TableUpdate = serde_json::from_value(update.clone()).map_err(|error| error.to_string())?;
        builder = update.apply(builder).map_err(|error| error.to_string())?;
    }
    let result = builder.build().map_err(|error| error.to_string())?;
    if result.changes.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::to_value(result.metadata).unwrap()))
}

/// What both must agree on: without the order of lists, without the spelling of "none", without the crate's clock.
pub fn normal(mut metadata: Value) -> Value {
    let members = metadata.as_object_mut().unwrap();
    for (list, id) in [
        ("schemas", "schema-id"),
        ("partition-specs", "spec-id"),
        ("sort-orders", "order-id"),
        ("snapshots", "snapshot-id"),
        ("statistics", "snapshot-id"),
        ("partition-statistics", "snapshot-id"),
        ("encryption-keys", "key-id"),
    ] {
        let mut elements = members.remove(list).and_then(|list| list.as_array().cloned()).unwrap_or_default();
        elements.sort_by_key(|element| (element[id].as_i64(), element[id].to_string()));
        members.insert(list.to_owned(), json!(elements));
    }
    forget_statistics_of_removed_snapshots(members);
    if members.get("current-snapshot-id").is_none_or(|id| *id == json!(-1)) {
        members.insert("current-snapshot-id".to_owned(), Value::Null);
    }
    for snapshot in members.get_mut("snapshots").and_then(Value::as_array_mut).into_iter().flatten() {
        // Java leaves out what v1 does not have, the crate writes it after an upgrade.
        if snapshot["sequence-number"] == json!(0) {
            snapshot["sequence-number"] = Value::Null;
        }
    }
    for optional in ["snapshot-log", "refs", "properties"] {
        members.entry(optional).or_insert_with(|| if optional == "snapshot-log" { json!([]) } else { json!({}) });
    }
    // The crate asks the machine's clock where no snapshot gives the time.
    members.remove("last-updated-ms");
    for entry in members.get_mut("snapshot-log").and_then(Value::as_array_mut).into_iter().flatten() {
        entry["timestamp-ms"] = Value::Null;
    }
    without_nulls(metadata)
}

/// Java drops it when the snapshot goes, the crate looks when everything is done: a snapshot that comes back in the same
/// commit has it again.
pub fn forget_what_goes_with_a_snapshot(metadata: &mut Value) {
    let members = metadata.as_object_mut().unwrap();
    for member in ["refs", "current-snapshot-id", "snapshot-log", "statistics", "partition-statistics"] {
        members.remove(member);
    }
}

/// Java drops the statistics with the snapshot, the crate keeps them.
fn forget_statistics_of_removed_snapshots(members: &mut Map<String, Value>) {
    let ids = |list: &Value| list.as_array().into_iter().flatten().map(|one| one["snapshot-id"].clone()).collect();
    let known: Vec<Value> = members.get("snapshots").map(ids).unwrap_or_default();
    for list in ["statistics", "partition-statistics"] {
        let files = members.get_mut(list).and_then(Value::as_array_mut);
        files.into_iter().for_each(|files| files.retain(|file| known.contains(&file["snapshot-id"])));
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Value::Array(elements) => Value::Array(elements.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
