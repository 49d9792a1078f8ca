//! The request bodies, as the engines in the field send them.

use serde_json::{Value, json};

/// The create request of a table with ten columns, as an engine would create it for facts.
pub fn create_table(name: &str) -> String {
    let types =
        ["long", "string", "timestamptz", "double", "date", "decimal(18, 2)", "boolean", "int", "string", "uuid"];
    let fields: Vec<Value> = types
        .iter()
        .enumerate()
        .map(|(at, kind)| json!({"id": at + 1, "name": format!("column_{at}"), "required": at == 0, "type": kind}))
        .collect();
    let body = json!({
        "name": name,
        "schema": {"type": "struct", "schema-id": 0, "fields": fields},
        // A v3 snapshot would need row ids, so the version is not left to the server's default.
        "properties": {"format-version": "2"},
    });
    body.to_string()
}

/// One snapshot of an append, about 600 bytes as engines write it.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    pub location: &'a str,
    /// 1 for the table's first; the snapshot's id and its parent's follow from it.
    pub sequence_number: i64,
    pub timestamp_ms: i64,
}

/// The id of the snapshot with this sequence number: as long as the random ones of real tables.
pub fn snapshot_id(sequence_number: i64) -> i64 {
    4_000_000_000_000_000_000 + sequence_number * 1_000_003
}

impl Append<'_> {
    fn snapshot(&self) -> Value {
        let number = self.sequence_number;
        let id = snapshot_id(number);
        let mut snapshot = json!({
            "snapshot-id": id,
            "sequence-number": number,
            "timestamp-ms": self.timestamp_ms,
            "schema-id": 0,
            "manifest-list": format!("{}/metadata/snap-{id}-1-6f1a4ed8-5a0a-4a43-a5fd-{number:012}.avro", self.location),
            "summary": {
                "operation": "append",
                "spark.app.id": "local-1784899200000",
                "added-data-files": "1",
                "added-records": "1000",
                "added-files-size": "65536",
                "changed-partition-count": "1",
                "total-records": (number * 1000).to_string(),
                "total-files-size": (number * 65536).to_string(),
                "total-data-files": number.to_string(),
                "total-delete-files": "0",
                "total-position-deletes": "0",
                "total-equality-deletes": "0",
            },
        });
        if number > 1 {
            snapshot["parent-snapshot-id"] = snapshot_id(number - 1).into();
        }
        snapshot
    }
}

/// A commit that adds these snapshots, the last of which becomes the head of `main`.
pub fn commit_appends(uuid: &str, appends: &[Append]) -> String {
    let mut updates: Vec<Value> =
        appends.iter().map(|append| json!({"action": "add-snapshot", "snapshot": append.snapshot()})).collect();
    if let Some(last) = appends.last() {
        updates.push(set_branch("main", snapshot_id(last.sequence_number)));
    }
    json!({"requirements": [assert_uuid(uuid)], "updates": updates}).to_string()
}

/// A commit that moves a branch between snapshots that exist, provided that it still is where the client saw it.
pub fn commit_branch(uuid: &str, branch: &str, seen: Option<i64>, next: i64) -> String {
    let seen = json!({"type": "assert-ref-snapshot-id", "ref": branch, "snapshot-id": seen});
    json!({"requirements": [assert_uuid(uuid), seen], "updates": [set_branch(branch, next)]}).to_string()
}

/// A commit that sets one property, so that a table does not grow while it is measured.
pub fn commit_property(uuid: &str, value: &str) -> String {
    let update = json!({"action": "set-properties", "updates": {"bench.commit": value}});
    json!({"requirements": [assert_uuid(uuid)], "updates": [update]}).to_string()
}

fn assert_uuid(uuid: &str) -> Value {
    json!({"type": "assert-table-uuid", "uuid": uuid})
}

fn set_branch(branch: &str, snapshot_id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": branch, "type": "branch", "snapshot-id": snapshot_id})
}
