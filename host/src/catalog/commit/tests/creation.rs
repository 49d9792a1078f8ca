//! Tests of create transactions, of replace transactions.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{create_from_updates, is_create};
use super::{NOW_MS, append, change, conflict, table, value};
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::CommitTable;
use crate::error::Error;

const UUID: &str = "9c12d441-03fe-4693-9a96-a0705ddf69c1";

fn created(updates: &Value) -> Result<TableMetadata, Error> {
    let body = json!({"requirements": [{"type": "assert-create"}], "updates": updates}).to_string();
    let request = CommitTable::parse(body.as_bytes())?;
    assert!(is_create(&request.requirements)?);
    let location = Location::parse("s3://lake/default").unwrap();
    create_from_updates(&request.updates, Uuid::nil(), &location, NOW_MS)
}

/// What a client sends that staged a table: its own ids, none of them the ones a server would give.
fn staged() -> Vec<Value> {
    vec![
        json!({"action": "assign-uuid", "uuid": UUID}),
        json!({"action": "upgrade-format-version", "format-version": 3}),
        json!({"action": "add-schema", "schema": {"type": "struct", "schema-id": 4, "fields": [
            {"id": 12, "name": "id", "required": true, "type": "long"},
            {"id": 10, "name": "v", "required": false, "type": "variant"},
        ]}}),
        json!({"action": "set-current-schema", "schema-id": -1}),
        json!({"action": "add-spec", "spec": {"spec-id": 3, "fields": [
            {"source-id": 12, "field-id": 1007, "name": "id_bucket", "transform": "bucket[4]"},
        ]}}),
        json!({"action": "set-default-spec", "spec-id": 3}),
        json!({"action": "add-sort-order", "sort-order": {"order-id": 0, "fields": []}}),
        json!({"action": "set-default-sort-order", "sort-order-id": -1}),
        json!({"action": "set-location", "location": "s3://lake/t9/"}),
        json!({"action": "set-properties", "updates": {"a": "b", "format-version": "3"}}),
    ]
}

#[test]
fn a_staged_table_is_made_with_the_ids_as_sent() {
    let shown = value(&created(&json!(staged())).unwrap());

    assert_eq!(shown["table-uuid"], UUID);
    assert_eq!((&shown["format-version"], &shown["location"]), (&json!(3), &json!("s3://lake/t9")));
    assert_eq!((&shown["current-schema-id"], &shown["last-column-id"]), (&json!(4), &json!(12)));
    assert_eq!((&shown["default-spec-id"], &shown["last-partition-id"]), (&json!(3), &json!(1007)));
    assert_eq!(shown["default-sort-order-id"], 0);
    assert_eq!(shown["properties"], json!({"a": "b"}));
    assert_eq!((&shown["last-updated-ms"], &shown["metadata-log"]), (&json!(NOW_MS), &json!([])));
}

#[test]
fn a_staged_table_may_have_its_first_snapshot_at_once() {
    let mut updates = staged();
    updates.push(json!({"action": "add-snapshot", "snapshot": {
        "snapshot-id": 1, "sequence-number": 1, "timestamp-ms": NOW_MS + 5, "manifest-list": "s3://lake/t9/metadata/m",
        "summary": {"operation": "append"}, "schema-id": 4, "first-row-id": 0, "added-rows": 3,
    }}));
    updates.push(json!({"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 1}));

    let shown = value(&created(&json!(updates)).unwrap());

    assert_eq!((&shown["current-snapshot-id"], &shown["next-row-id"]), (&json!(1), &json!(3)));
    assert_eq!(shown["last-updated-ms"], NOW_MS + 5);
}

#[test]
fn what_a_staged_table_does_not_say_is_taken_from_the_server() {
    let without: Vec<Value> = staged()
        .into_iter()
        .filter(|update| !["assign-uuid", "set-location"].iter().any(|action| update["action"] == *action))
        .collect();

    let metadata = created(&json!(without)).unwrap();

    assert_eq!((metadata.uuid(), metadata.location()), (Uuid::nil(), "s3://lake/default"));
}

#[test]
fn b5_a_staged_table_needs_schema_spec_order_and_types_of_its_version() {
    let without = |action: &str| {
        let updates: Vec<Value> = staged().into_iter().filter(|update| update["action"] != action).collect();
        created(&json!(updates)).unwrap_err().to_string()
    };

    assert!(without("add-schema").contains("no schema has been added"));
    assert!(without("set-current-schema").contains("the table has no schema"));
    assert!(without("set-default-spec").contains("Partition specs cannot be null or empty"));
    assert!(without("set-default-sort-order").contains("Sort orders cannot be null or empty"));
    assert!(without("upgrade-format-version").ends_with("variant is not supported until v3"));
}

#[test]
fn assert_create_stands_alone() {
    let body = json!({"requirements": [
        {"type": "assert-create"}, {"type": "assert-table-uuid", "uuid": UUID},
    ]});
    let request = CommitTable::parse(body.to_string().as_bytes()).unwrap();

    let message = is_create(&request.requirements).unwrap_err().to_string();

    assert!(message.starts_with("Invalid create requirements: "), "{message}");
}

/// R12: somebody else created it first.
#[test]
fn r12_assert_create_on_a_table_answers_409() {
    let message = conflict(&table(json!({})), json!([{"type": "assert-create"}]), json!([]));

    assert_eq!(message, "Requirement failed: table already exists");
}

#[test]
fn a_replace_transaction_keeps_uuid_snapshots_and_log() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;
    let mut replace = vec![
        json!({"action": "remove-snapshot-ref", "ref-name": "main"}),
        json!({"action": "add-schema", "schema": {"type": "struct", "schema-id": 1, "fields": [
            {"id": 3, "name": "other", "required": false, "type": "int"},
        ]}}),
        json!({"action": "set-current-schema", "schema-id": -1}),
        json!({"action": "set-location", "location": "s3://lake/t1"}),
        json!({"action": "set-properties", "updates": {"replaced": "yes"}}),
    ];
    replace.extend(append(2, None, 2));

    let change = change(&base, json!(replace));

    let shown = value(&change.after);
    assert_eq!(change.after.uuid(), base.uuid());
    assert_eq!(shown["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(shown["snapshot-log"].as_array().unwrap().len(), 2);
    assert_eq!((&shown["current-snapshot-id"], &shown["current-schema-id"]), (&json!(2), &json!(1)));
}
