//! Tests of metadata documents.

use serde_json::{Value, json};

use super::{Codec, TableMetadata};

mod documents;
mod round_trip;

/// A v2 document as another writer left it: members in an order of its own, some that nobody knows.
pub(super) const FOREIGN: &str = r#"{
  "x-writer": {"name": "other", "weight": 1.50, "big": 12345678901234567890123},
  "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
  "format-version": 2,
  "location": "s3://lake/t1/",
  "last-sequence-number": 2,
  "last-updated-ms": 1600000000000,
  "last-column-id": 1,
  "current-schema-id": 0,
  "schemas": [ {"schema-id": 0, "type": "struct", "x-note": 1e2, "fields": [
     {"id": 1, "name": "id", "required": true, "type": "long"} ]} ],
  "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999,
  "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}],
  "properties": {"caf\u00e9": "\u0041"},
  "current-snapshot-id": 20,
  "snapshots": [
    {"snapshot-id": 10, "sequence-number": 1, "timestamp-ms": 1600000000000, "manifest-list": "s3://lake/t1/a", "x": 0.10},
    {"x": 1E1, "snapshot-id": 20, "parent-snapshot-id": 10, "sequence-number": 2, "timestamp-ms": 1600000000000,
     "manifest-list": "s3://elsewhere/b", "summary": {"operation": "append"}}
  ],
  "refs": {"main": {"type": "branch", "snapshot-id": 20, "x-owner": "me"}},
  "snapshot-log": [{"snapshot-id": 20, "timestamp-ms": 1600000000000}],
  "metadata-log": []
}"#;

pub(super) fn foreign() -> TableMetadata {
    TableMetadata::parse(FOREIGN.as_bytes()).unwrap()
}

fn with(member: &str, value: Value) -> Result<TableMetadata, String> {
    let mut document: Value = serde_json::from_str(FOREIGN).unwrap();
    document[member] = value;
    TableMetadata::parse(document.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn b5_an_unknown_format_version_is_refused() {
    for version in [0, 4, 99] {
        let message = with("format-version", json!(version)).unwrap_err();
        assert!(message.contains(&format!("unsupported version {version}")), "{message}");
    }
}

#[test]
fn b5_ids_beyond_32_bits_and_missing_members_are_named() {
    assert!(with("current-schema-id", json!(4_294_967_296_i64)).unwrap_err().contains("`current-schema-id`"));
    assert!(with("last-partition-id", Value::Null).unwrap_err().contains("no `last-partition-id`"));
    assert!(with("table-uuid", json!("x")).unwrap_err().contains("`table-uuid`"));
}

#[test]
fn b5_contradictions_in_a_foreign_file_are_found_before_it_becomes_a_table() {
    let cases = [
        ("current-snapshot-id", json!(10), "Current snapshot ID does not match main branch (10 != 20)"),
        ("refs", json!({"b": {"type": "branch", "snapshot-id": 7}}), "does not exist in the existing snapshots list"),
        ("last-sequence-number", json!(1), "greater than last sequence number 1"),
        ("last-column-id", json!(0), "`last-column-id` 0 is lower"),
        ("default-sort-order-id", json!(5), "default-sort-order-id=5"),
    ];
    for (member, value, expected) in cases {
        let message = with(member, value).unwrap().check_consistency().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    foreign().check_consistency().unwrap();
}

#[test]
fn file_names_count_up_and_say_the_codec() {
    let uuid = uuid::Uuid::nil();
    let metadata = foreign();
    let name = |previous| metadata.file_location(previous, uuid).unwrap().as_str().to_owned();

    assert_eq!(name(None), format!("s3://lake/t1/metadata/00000-{uuid}.metadata.json"));
    assert_eq!(
        name(Some("s3://lake/t1/metadata/00041-x.gz.metadata.json")),
        format!("s3://lake/t1/metadata/00042-{uuid}.metadata.json")
    );
    assert_eq!(
        name(Some("s3://lake/t1/metadata/v7.metadata.json")),
        format!("s3://lake/t1/metadata/00000-{uuid}.metadata.json")
    );

    let gzip = with(
        "properties",
        json!({"write.metadata.compression-codec": "gzip", "write.metadata.path": "s3://lake/t1/m"}),
    );
    let location = gzip.unwrap().file_location(None, uuid).unwrap();
    assert_eq!(location.as_str(), format!("s3://lake/t1/m/00000-{uuid}.gz.metadata.json"));
    assert_eq!(Codec::of_file_name(location.as_str()), Codec::Gzip);
}
