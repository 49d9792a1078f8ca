//! Request bodies as Iceberg clients send them.

use serde_json::{Value, json};

/// Two columns, `id` required.
pub fn schema() -> Value {
    json!({
        "type": "struct",
        "schema-id": 0,
        "fields": [
            { "id": 1, "name": "id", "required": true, "type": "long" },
            { "id": 2, "name": "note", "required": false, "type": "string" },
        ],
    })
}

pub fn create_table(name: &str) -> Value {
    json!({ "name": name, "schema": schema() })
}

pub fn create_view(name: &str) -> Value {
    json!({
        "name": name,
        "schema": schema(),
        "view-version": {
            "version-id": 1,
            "timestamp-ms": 1_700_000_000_000_i64,
            "schema-id": 0,
            "summary": { "engine-name": "tests" },
            "representations": [{ "type": "sql", "sql": "SELECT id, note FROM t", "dialect": "spark" }],
            "default-namespace": ["ns"],
        },
        "properties": {},
    })
}

pub fn identifier(namespace: &str, name: &str) -> Value {
    json!({ "namespace": [namespace], "name": name })
}

pub fn commit(requirements: Value, updates: Value) -> Value {
    json!({ "requirements": requirements, "updates": updates })
}

pub fn set_property(key: &str, value: &str) -> Value {
    json!([{ "action": "set-properties", "updates": { key: value } }])
}

/// An append as clients commit one: a new snapshot, then `main` moved onto it.
pub fn append(table_location: &str, snapshot_id: i64, sequence_number: i64, parent: Option<i64>) -> Value {
    let mut snapshot = json!({
        "snapshot-id": snapshot_id,
        "sequence-number": sequence_number,
        "timestamp-ms": now_ms(),
        "manifest-list": format!("{table_location}/metadata/snap-{snapshot_id}.avro"),
        "summary": { "operation": "append" },
        "schema-id": 0,
    });
    if let Some(parent) = parent {
        snapshot["parent-snapshot-id"] = json!(parent);
    }
    json!([
        { "action": "add-snapshot", "snapshot": snapshot },
        { "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": snapshot_id },
    ])
}

/// The time as clients stamp it on what they write.
pub fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since_epoch.expect("after 1970").as_millis()).expect("before the year 292277026")
}
