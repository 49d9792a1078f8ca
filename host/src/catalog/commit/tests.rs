//! Tests of commits.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Base, Change, Outcome, commit};
use crate::catalog::create::create;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::{CommitTable, CreateTable};
use crate::error::Error;

mod basics;
mod bounds;
mod creation;
mod definitions;
mod invariants;
mod paths;
mod properties;
mod refs;
mod snapshots;

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
pub(crate) const PREVIOUS: &str = "s3://lake/t1/metadata/00000-a.metadata.json";

/// A table at `s3://lake/t1` with the columns `id` (1) and `data` (2).
pub(crate) fn table(properties: Value) -> TableMetadata {
    let body = json!({
        "name": "t1",
        "schema": {"type": "struct", "fields": [
            {"id": 7, "name": "id", "required": true, "type": "long"},
            {"id": 9, "name": "data", "required": false, "type": "string"},
        ]},
        "properties": properties,
    });
    let request = CreateTable::parse(body.to_string().as_bytes()).unwrap();
    let location = Location::parse("s3://lake/t1").unwrap();
    create(&request, &location, Uuid::nil(), 2, NOW_MS).unwrap()
}

pub(crate) fn try_commit(base: &TableMetadata, requirements: Value, updates: Value) -> Result<Outcome, Error> {
    let body = json!({"requirements": requirements, "updates": updates}).to_string();
    let request = CommitTable::parse(body.as_bytes())?;
    commit(Base { metadata: base, metadata_location: PREVIOUS }, &request.requirements, &request.updates, NOW_MS + 1)
}

pub(crate) fn change(base: &TableMetadata, updates: Value) -> Change {
    match try_commit(base, json!([]), updates).unwrap() {
        Outcome::Changed(change) => *change,
        Outcome::Unchanged => panic!("the commit had no effect"),
    }
}

pub(crate) fn refused(base: &TableMetadata, updates: Value) -> String {
    match try_commit(base, json!([]), updates) {
        Err(Error::BadRequest(message)) => message,
        other => panic!("expected 400, found {other:?}"),
    }
}

pub(crate) fn conflict(base: &TableMetadata, requirements: Value, updates: Value) -> String {
    match try_commit(base, requirements, updates) {
        Err(Error::CommitFailed(message)) => message,
        other => panic!("expected 409, found {other:?}"),
    }
}

pub(crate) fn value(metadata: &TableMetadata) -> Value {
    serde_json::from_slice(&metadata.to_bytes().unwrap()).unwrap()
}

pub(crate) fn snapshot(id: i64, parent: Option<i64>, sequence_number: i64) -> Value {
    let mut snapshot = json!({
        "snapshot-id": id,
        "sequence-number": sequence_number,
        "timestamp-ms": NOW_MS + id,
        "manifest-list": format!("s3://lake/t1/metadata/snap-{id}.avro"),
        "summary": {"operation": "append"},
        "schema-id": 0,
    });
    if let Some(parent) = parent {
        snapshot["parent-snapshot-id"] = json!(parent);
    }
    snapshot
}

/// Adds a snapshot, then moves main to it.
pub(crate) fn append(id: i64, parent: Option<i64>, sequence_number: i64) -> Vec<Value> {
    vec![
        json!({"action": "add-snapshot", "snapshot": snapshot(id, parent, sequence_number)}),
        json!({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": id}),
    ]
}
