//! Tests of new tables.

use serde_json::{Value, json};
use uuid::Uuid;

use super::create;
use crate::catalog::location::Location;
use crate::catalog::requests::CreateTable;

fn try_create(more: &Value) -> Result<Value, String> {
    let mut body = json!({"name": "t", "schema": {"type": "struct", "schema-id": 5, "fields": [
        {"id": 30, "name": "id", "required": true, "type": "long"},
        {"id": 20, "name": "at", "required": false, "type": "timestamptz"},
    ]}});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let request = CreateTable::parse(body.to_string().as_bytes()).map_err(|error| error.to_string())?;
    let location = Location::parse("s3://lake/t1/").unwrap();
    let metadata = create(&request, &location, Uuid::nil(), 2, 7).map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&metadata.to_bytes().unwrap()).unwrap())
}

#[test]
fn a_new_table_has_the_members_that_java_writes_in_javas_order() {
    let created = try_create(&json!({})).unwrap();

    let expected = json!({
        "format-version": 2,
        "table-uuid": "00000000-0000-0000-0000-000000000000",
        "location": "s3://lake/t1",
        "last-sequence-number": 0,
        "last-updated-ms": 7,
        "last-column-id": 2,
        "current-schema-id": 0,
        "schemas": [{"type": "struct", "schema-id": 0, "fields": [
            {"id": 1, "name": "id", "required": true, "type": "long"},
            {"id": 2, "name": "at", "required": false, "type": "timestamptz"},
        ]}],
        "default-spec-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "last-partition-id": 999,
        "default-sort-order-id": 0,
        "sort-orders": [{"order-id": 0, "fields": []}],
        "properties": {"write.parquet.compression-codec": "zstd"},
        "current-snapshot-id": -1,
        "refs": {},
        "snapshots": [],
        "statistics": [],
        "partition-statistics": [],
        "snapshot-log": [],
        "metadata-log": [],
    });
    assert_eq!(created, expected);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&created), names(&expected));
}

#[test]
fn specs_and_orders_follow_their_columns_to_the_new_ids() {
    let created = try_create(&json!({
        "partition-spec": {"spec-id": 8, "fields": [
            {"source-id": 20, "field-id": 4444, "name": "day", "transform": "day"},
            {"source-id": 30, "name": "b", "transform": "bucket[8]"},
        ]},
        "write-order": {"order-id": 9, "fields": [
            {"source-id": 30, "transform": "identity", "direction": "desc", "null-order": "nulls-last"},
        ]},
    }))
    .unwrap();

    assert_eq!(
        created["partition-specs"],
        json!([{"spec-id": 0, "fields": [
            {"name": "day", "transform": "day", "source-id": 2, "field-id": 1000},
            {"name": "b", "transform": "bucket[8]", "source-id": 1, "field-id": 1001},
        ]}])
    );
    assert_eq!(created["last-partition-id"], 1001);
    assert_eq!(
        created["sort-orders"],
        json!([{"order-id": 1, "fields": [
            {"transform": "identity", "source-id": 1, "direction": "desc", "null-order": "nulls-last"},
        ]}])
    );
    assert_eq!(created["default-sort-order-id"], 1);
}

#[test]
fn the_format_version_is_a_property_of_the_request_and_not_of_the_table() {
    let v3 = try_create(&json!({"properties": {"format-version": "3", "a": "b"}})).unwrap();

    assert_eq!((&v3["format-version"], &v3["next-row-id"]), (&json!(3), &json!(0)));
    assert_eq!(v3["properties"], json!({"write.parquet.compression-codec": "zstd", "a": "b"}));
    for (text, expected) in [("4", "Unsupported format version: v4"), ("x", "must have integer value")] {
        let message = try_create(&json!({"properties": {"format-version": text}})).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn defaults_of_a_new_table_keep_every_digit() {
    let body = r#"{"name": "t", "properties": {"format-version": "3"}, "schema": {"type": "struct", "fields": [
        {"id": 1, "name": "d", "required": false, "type": "double", "initial-default": -1.8252559663449045e+174}]}}"#;
    let request = CreateTable::parse(body.as_bytes()).unwrap();

    let created = create(&request, &Location::parse("s3://lake/t1").unwrap(), Uuid::nil(), 2, 7).unwrap();

    assert!(created.member("schemas").unwrap().contains(r#""initial-default":-1.8252559663449045e+174}"#));
}

#[test]
fn what_does_not_fit_the_schema_is_refused() {
    let spec = |field: Value| json!({"partition-spec": {"fields": [field]}});
    let cases = [
        (
            spec(json!({"source-id": 1, "name": "x", "transform": "day"})),
            "Cannot find source column for partition field x: 1",
        ),
        (
            spec(json!({"source-id": 30, "name": "x", "transform": "day"})),
            "Invalid source type long for transform: day",
        ),
        (
            json!({"properties": {"write.metadata.metrics.column.nope": "full"}}),
            "Invalid metrics config, could not find column nope",
        ),
        (
            json!({"schema": {"type": "struct", "fields": [{"id": 1, "name": "v", "required": false, "type": "variant"}]}}),
            "Invalid type for v: variant is not supported until v3",
        ),
    ];
    for (more, expected) in cases {
        let message = try_create(&more).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }
}

/// S11: each path that a create request names.
#[test]
fn s11_paths_of_a_new_table_lie_inside_it() {
    for key in ["write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path"] {
        let outside = try_create(&json!({"properties": {key: "s3://lake/t10"}})).unwrap_err();
        assert!(outside.starts_with(&format!("{key} must lie inside the table's location s3://lake/t1")), "{outside}");
        try_create(&json!({"properties": {key: "s3://lake/t1/x"}})).unwrap();
    }
}

#[test]
fn b3_a_request_that_can_be_read_in_two_ways_is_refused() {
    let cases: [(&[u8], &str); 6] = [
        (br#"{"name": "a", "name": "b"}"#, "`name` appears twice"),
        (br#"{"name": "a", "properties": {"k": "1", "k": "2"}}"#, "`k` appears twice"),
        (b"{\"name\": \"\xff\"}", "not UTF-8"),
        (br#"{"name": "a"} x"#, "trailing characters"),
        (br#"{"name": 1e400}"#, "number out of range"),
        (br#"{"name": "a"}"#, "missing field `schema`"),
    ];
    for (body, expected) in cases {
        let message = CreateTable::parse(body).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(CreateTable::parse(deep.as_bytes()).unwrap_err().to_string().contains("recursion limit exceeded"));
}
