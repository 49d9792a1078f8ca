//! Tests of what a change is found to do.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Difference, PropertyChange, Side};
use crate::catalog::metadata::TableMetadata;

fn table(fields: &Value, more: &Value) -> Side {
    let mut document = json!({
        "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "s3://lake/t",
        "last-sequence-number": 9, "last-updated-ms": 1_600_000_000_000_i64, "last-column-id": 100,
        "current-schema-id": 0, "schemas": [{"schema-id": 0, "type": "struct", "fields": fields}],
        "default-spec-id": 0, "partition-specs": [{"spec-id": 0, "fields": []}], "last-partition-id": 999,
        "default-sort-order-id": 0, "sort-orders": [{"order-id": 0, "fields": []}], "properties": {},
    });
    for (name, value) in more.as_object().expect("members") {
        document[name] = value.clone();
    }
    let metadata = TableMetadata::parse(document.to_string().as_bytes()).expect("valid metadata");
    Side::table(Arc::new(metadata)).expect("a readable schema")
}

fn field(id: i32, name: &str, kind: Value) -> Value {
    json!({"id": id, "name": name, "required": false, "type": kind})
}

fn columns(before: &Value, after: &Value) -> Difference {
    Difference::new(Some(table(before, &json!({}))), Some(table(after, &json!({}))))
}

fn paths(columns: &[super::Column]) -> Vec<String> {
    columns.iter().map(|column| column.path.join(".")).collect()
}

fn people(street: &str, kind: &str) -> Value {
    json!([
        field(1, "id", json!("long")),
        field(2, "address", json!({"type": "struct", "fields": [field(3, street, json!(kind))]})),
        field(4, "tags", json!({"type": "list", "element-id": 5, "element-required": true, "element": "int"})),
        field(
            6,
            "notes",
            json!({"type": "map", "key-id": 7, "key": "string", "value-id": 8, "value-required": false,
            "value": "string"})
        ),
    ])
}

#[test]
fn columns_of_all_depths_are_there_each_before_what_lies_in_it() {
    let side = table(&people("street", "string"), &json!({}));
    let expected = "id, address, address.street, tags, tags.element, notes, notes.key, notes.value";
    assert_eq!(paths(side.columns()).join(", "), expected);
}

#[test]
fn a_nested_rename_is_no_new_type_of_the_column_around_it() {
    let changes = columns(&people("street", "string"), &people("road", "string"));
    let [(before, after)] = changes.columns().renamed.as_slice() else { panic!("one rename") };
    assert_eq!((before.path.join("."), after.path.join(".")), ("address.street".into(), "address.road".into()));
    let found = changes.columns();
    assert!(found.retyped.is_empty() && found.added.is_empty() && found.dropped.is_empty());
}

#[test]
fn a_nested_type_that_changes_is_told_at_its_own_place() {
    let mut after = people("street", "string");
    after[2]["type"]["element"] = json!("long");
    let changes = columns(&people("street", "string"), &after);
    let [retyped] = changes.columns().retyped.as_slice() else { panic!("one change of type") };
    assert_eq!(
        (retyped.path.join("."), retyped.before.as_str(), retyped.after.as_str()),
        ("tags.element".into(), "int", "long")
    );
}

#[test]
fn what_comes_goes_tightens_relaxes_is_told_by_id_not_by_name() {
    let required = |id, name: &str, required| json!({"id": id, "name": name, "required": required, "type": "long"});
    let before = json!([required(1, "a", true), required(2, "b", false), required(3, "c", false)]);
    let after = json!([required(1, "a", false), required(2, "b", true), required(4, "c", false)]);
    let changes = columns(&before, &after);
    let found = changes.columns();
    assert_eq!((paths(&found.relaxed), paths(&found.tightened)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!((found.added[0].id, found.dropped[0].id), (4, 3));
}

#[test]
fn of_what_is_new_everything_is_added_of_what_goes_everything_is_dropped() {
    let side = || table(&people("street", "string"), &json!({"properties": {"owner": "a"}}));
    let created = Difference::new(None, Some(side()));
    assert_eq!((created.columns().added.len(), created.columns().dropped.len()), (8, 0));
    let owner = PropertyChange { key: "owner".into(), before: None, after: Some("a".into()) };
    assert_eq!(created.properties(), [owner]);
    let dropped = Difference::new(Some(side()), None);
    assert_eq!((dropped.columns().added.len(), dropped.columns().dropped.len()), (0, 8));
}

#[test]
fn properties_are_told_with_both_values() {
    let side = |properties: Value| Some(table(&json!([]), &json!({"properties": properties})));
    let changes =
        Difference::new(side(json!({"a": "1", "b": "2", "c": "3"})), side(json!({"b": "2", "c": "4", "d": "5"})));
    let told: Vec<_> = changes.properties().into_iter().map(|p| (p.key, p.before, p.after)).collect();
    let text = |text: &str| Some(text.to_owned());
    let expected = [("a".into(), text("1"), None), ("c".into(), text("3"), text("4")), ("d".into(), None, text("5"))];
    assert_eq!(told, expected);
}

#[test]
fn refs_that_move_and_the_summary_of_the_new_snapshot_are_told() {
    let snapshot = |id: i64, records: &str| {
        json!({"snapshot-id": id, "sequence-number": id, "timestamp-ms": 1_600_000_000_000_i64, "manifest-list": "s3://lake/t/m",
            "summary": {"operation": "append", "added-records": records}})
    };
    let branch = |id: i64| json!({"type": "branch", "snapshot-id": id});
    let before = json!({"snapshots": [snapshot(1, "1")], "current-snapshot-id": 1,
        "refs": {"main": branch(1), "stays": branch(1), "goes": branch(1)}});
    let after = json!({"snapshots": [snapshot(1, "1"), snapshot(2, "7")], "current-snapshot-id": 2,
        "refs": {"main": branch(2), "stays": branch(1), "comes": branch(1)}});
    let fields = json!([]);
    let changes = Difference::new(Some(table(&fields, &before)), Some(table(&fields, &after)));
    assert_eq!(changes.refs(), ["comes", "goes", "main"]);
    assert_eq!(changes.snapshot_summary("added-records").as_deref(), Some("7"));
    let nothing = Difference::none(table(&fields, &after));
    assert_eq!((nothing.refs().len(), nothing.snapshot_summary("added-records")), (0, None));
}

#[test]
fn defaults_and_docs_come_along() {
    let mut with_default = field(1, "a", json!("int"));
    with_default["initial-default"] = json!(7);
    with_default["doc"] = json!("why");
    let side = table(&json!([with_default]), &json!({"format-version": 3, "next-row-id": 0}));
    let column = &side.columns()[0];
    assert_eq!((column.default.as_deref(), column.doc.as_deref()), (Some("7"), Some("why")));
}
