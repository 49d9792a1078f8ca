//! Tests of schemas, specs, sort orders, format versions, keys.

use serde_json::{Value, json};

use super::{Outcome, append, change, refused, table, try_commit, value};
use crate::catalog::metadata::TableMetadata;

fn schema(more: &[Value]) -> Value {
    let mut fields = vec![
        json!({"id": 1, "name": "id", "required": true, "type": "long"}),
        json!({"id": 2, "name": "data", "required": false, "type": "string"}),
    ];
    fields.extend_from_slice(more);
    json!({"type": "struct", "schema-id": 0, "x-kept": 1.50, "fields": fields})
}

fn add_and_set(more: &[Value]) -> Value {
    json!([{"action": "add-schema", "schema": schema(more)}, {"action": "set-current-schema", "schema-id": -1}])
}

fn at() -> Value {
    json!({"id": 3, "name": "at", "required": false, "type": "timestamptz"})
}

fn by_day(field_id: Option<i32>) -> Value {
    let mut field = json!({"source-id": 3, "name": "at_day", "transform": "day"});
    if let Some(field_id) = field_id {
        field["field-id"] = json!(field_id);
    }
    json!({"action": "add-spec", "spec": {"spec-id": 0, "fields": [field]}})
}

#[test]
fn a_new_schema_gets_the_next_id_and_keeps_its_other_members() {
    let after = change(&table(json!({})), add_and_set(&[at()])).after;

    let shown = value(&after);
    assert_eq!((after.current_schema_id(), after.last_column_id()), (1, 3));
    assert_eq!(shown["schemas"][1]["schema-id"], 1);
    assert_eq!(shown["schemas"][1]["x-kept"], 1.5);
    assert!(after.member("schemas").unwrap().contains("1.5"));
}

#[test]
fn a_schema_that_is_there_is_used_again() {
    let base = table(json!({}));

    let outcome = try_commit(&base, json!([]), add_and_set(&[])).unwrap();

    assert!(matches!(outcome, Outcome::Unchanged));
}

#[test]
fn minus_one_without_an_addition_is_refused_with_javas_wording() {
    let base = table(json!({}));
    let cases = [
        (
            json!({"action": "set-current-schema", "schema-id": -1}),
            "Cannot set last added schema: no schema has been added",
        ),
        (json!({"action": "set-default-spec", "spec-id": -1}), "Cannot set last added spec: no spec has been added"),
        (
            json!({"action": "set-default-sort-order", "sort-order-id": -1}),
            "Cannot set last added sort order: no sort order has been added",
        ),
        (json!({"action": "set-current-schema", "schema-id": 9}), "Cannot set current schema to unknown schema: 9"),
        (json!({"action": "remove-schemas", "schema-ids": [0]}), "Cannot remove the current schema"),
        (json!({"action": "remove-partition-specs", "spec-ids": [0]}), "Cannot remove the default partition spec"),
        (
            json!({"action": "assign-uuid", "uuid": "11111111-1111-4111-8111-111111111111"}),
            "the table has the uuid 00000000-0000-0000-0000-000000000000, which never changes",
        ),
        (json!({"action": "upgrade-format-version", "format-version": 1}), "Cannot downgrade v2 table to v1"),
        (
            json!({"action": "upgrade-format-version", "format-version": 4}),
            "Cannot upgrade table to unsupported format version: v4 (supported: v3)",
        ),
        (
            json!({"action": "add-encryption-key", "encryption-key": {"key-id": "a", "encrypted-key-metadata": "YQ=="}}),
            "encryption keys are not supported until v3",
        ),
    ];
    for (update, expected) in cases {
        let message = refused(&base, json!([update]));
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn partition_fields_without_ids_get_unused_ones_or_those_of_their_likes() {
    let base = change(&table(json!({})), add_and_set(&[at()])).after;
    let base = change(&base, json!([by_day(Some(1005))])).after;
    let two = json!({"action": "add-spec", "spec": {"fields": [
        {"source-id": 3, "name": "day_of_at", "transform": "day"},
        {"source-id": 1, "name": "id_bucket", "transform": "bucket[4]"},
    ]}});

    let after = value(&change(&base, json!([two, {"action": "set-default-spec", "spec-id": -1}])).after);

    assert_eq!(after["partition-specs"][2]["spec-id"], 2);
    assert_eq!(after["partition-specs"][2]["fields"][0]["field-id"], 1005);
    assert_eq!(after["partition-specs"][2]["fields"][1]["field-id"], 1006);
    assert_eq!((&after["default-spec-id"], &after["last-partition-id"]), (&json!(2), &json!(1006)));
}

#[test]
fn specs_or_orders_that_do_not_fit_the_schema_are_refused() {
    let base = change(&table(json!({})), add_and_set(&[at()])).after;
    let spec = |field: Value| json!({"action": "add-spec", "spec": {"fields": [field]}});
    let order = |source: i32, transform: &str| {
        let field =
            json!({"source-id": source, "transform": transform, "direction": "asc", "null-order": "nulls-first"});
        json!({"action": "add-sort-order", "sort-order": {"order-id": 1, "fields": [field]}})
    };
    let cases = [
        (
            spec(json!({"source-id": 9, "name": "x", "transform": "day"})),
            "Cannot find source column for partition field",
        ),
        (spec(json!({"source-id": 1, "name": "x", "transform": "day"})), "Invalid source type long for transform: day"),
        (spec(json!({"source-id": 1, "name": "x", "transform": "bucket[0]"})), "for transform: bucket[0]"),
        (spec(json!({"source-id": 1, "name": "", "transform": "bucket[2]"})), "Cannot use empty partition name"),
        (
            spec(json!({"source-id": 1, "name": "data", "transform": "identity"})),
            "Cannot create identity partition sourced from different field in schema: data",
        ),
        (order(9, "identity"), "Cannot find source column for sort field: identity(9) ASC NULLS FIRST"),
        (order(1, "hour"), "Invalid source type long for transform: hour"),
    ];
    for (update, expected) in cases {
        let message = refused(&base, json!([update]));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_column_in_use_by_the_default_spec_cannot_be_dropped_nor_its_name_taken() {
    let base = change(&table(json!({})), add_and_set(&[at()])).after;
    let base = change(&base, json!([by_day(None), {"action": "set-default-spec", "spec-id": -1}])).after;
    let taken = json!({"id": 4, "name": "at_day", "required": false, "type": "int"});

    let dropped = refused(&base, json!([{"action": "set-current-schema", "schema-id": 0}]));
    let named = refused(&base, add_and_set(&[at(), taken]));

    assert_eq!(dropped, "Cannot find source column for partition field: 1000: at_day: day(3)");
    assert!(named.ends_with("sourced from different field in schema: at_day"), "{named}");
}

#[test]
fn an_upgrade_writes_what_the_new_version_has_and_drops_what_was_for_old_readers() {
    let base =
        change(&table(json!({"format-version": "1"})), json!([{"action": "set-properties", "updates": {"a": "b"}}]));
    let v1 = value(&base.after);
    assert!(v1.get("last-sequence-number").is_none());
    assert_eq!((&v1["schema"], &v1["partition-spec"]), (&v1["schemas"][0], &json!([])));

    let v3 = value(&change(&base.after, json!([{"action": "upgrade-format-version", "format-version": 3}])).after);

    assert_eq!((&v3["last-sequence-number"], &v3["next-row-id"]), (&json!(0), &json!(0)));
    assert!(v3.get("schema").is_none() && v3.get("partition-spec").is_none());
    assert_eq!(v3["current-snapshot-id"], Value::Null);
}

#[test]
fn v1_takes_no_sequence_numbers_and_only_specs_with_sequential_ids() {
    let base = change(&table(json!({"format-version": "1"})), add_and_set(&[at()])).after;

    let numbered = refused(&base, json!(append(1, None, 1)));
    let sparse = refused(&base, json!([by_day(Some(1005))]));
    change(&base, json!([by_day(None)]));

    assert!(numbered.ends_with("Sequence number must be 0 in v1: 1"), "{numbered}");
    assert!(sparse.contains("Spec does not use sequential IDs that are required in v1: [\n  1005: at_day"), "{sparse}");
}

#[test]
fn encryption_keys_come_once_and_go() {
    let base = table(json!({"format-version": "3"}));
    let add =
        json!({"action": "add-encryption-key", "encryption-key": {"key-id": "a", "encrypted-key-metadata": "YQ=="}});

    let with = change(&base, json!([add, add])).after;
    let again = try_commit(&with, json!([]), json!([add])).unwrap();
    let without = change(&with, json!([{"action": "remove-encryption-key", "key-id": "a"}])).after;

    assert_eq!(value(&with)["encryption-keys"].as_array().unwrap().len(), 1);
    assert!(matches!(again, Outcome::Unchanged));
    assert!(value(&without).get("encryption-keys").is_none());
}

#[test]
fn a_v1_document_of_one_schema_says_which_is_current_once_it_has_two() {
    let document = json!({
        "format-version": 1, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "s3://lake/t1",
        "last-updated-ms": 0, "last-column-id": 3, "schema": schema(&[at()]), "partition-spec": [],
    });
    let base = TableMetadata::parse(document.to_string().as_bytes()).unwrap();
    let note = json!({"id": 4, "name": "note", "required": false, "type": "string"});
    let updates = json!([{"action": "add-schema", "schema": schema(&[at(), note])}, by_day(None)]);

    let after = change(&base, updates).after;

    let read = TableMetadata::parse(&after.to_bytes().unwrap()).unwrap();
    assert_eq!((after.current_schema_id(), read.current_schema_id()), (0, 0));
    let shown = value(&after);
    assert_eq!((&shown["current-schema-id"], &shown["default-spec-id"]), (&json!(0), &json!(0)));
    let count = |list: &str| shown[list].as_array().map(Vec::len);
    assert_eq!((count("schemas"), count("partition-specs")), (Some(2), Some(2)));
}
