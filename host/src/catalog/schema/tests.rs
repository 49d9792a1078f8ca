//! Tests of schemas.

use serde_json::{Value, json};

use super::{Primitive, Schema};
use crate::catalog::json::Text;

mod bounds;
mod versions;

pub(super) fn parse(schema: &Value) -> Result<Schema, String> {
    Schema::parse(&Text::new(schema.to_string())).map_err(|error| error.to_string())
}

pub(super) fn with_fields(fields: Value) -> Value {
    json!({"type": "struct", "schema-id": 0, "fields": fields})
}

fn optional(id: i64, name: &str, kind: Value) -> Value {
    json!({"id": id, "name": name, "required": false, "type": kind})
}

#[test]
fn primitive_types_are_read_in_any_spelling_and_written_in_javas() {
    let cases = [
        ("LONG", "long"),
        ("decimal( 9 ,2)", "decimal(9, 2)"),
        ("fixed[ 16 ]", "fixed[16]"),
        ("timestamptz_ns", "timestamptz_ns"),
        ("geometry", "geometry"),
        ("Geometry(srid:3857)", "geometry(srid:3857)"),
        ("geometry(OGC:CRS84)", "geometry"),
        ("geography", "geography"),
        ("geography(OGC:CRS84, Vincenty)", "geography(OGC:CRS84, vincenty)"),
        ("unknown", "unknown"),
    ];
    for (text, expected) in cases {
        assert_eq!(Primitive::parse(text).unwrap().to_string(), expected);
    }
}

#[test]
fn b5_types_that_nobody_knows_are_refused_by_name() {
    let cases = [
        ("frob", "Cannot parse type string to primitive: frob"),
        ("fixed[-1]", "Cannot parse type string to primitive: fixed[-1]"),
        ("fixed[99999999999]", "Cannot parse type string to primitive: fixed[99999999999]"),
        ("decimal(39, 2)", "Decimals with precision larger than 38 are not supported: 39"),
        ("geometry()", "Invalid CRS: (empty string)"),
        ("geography(x, flat)", "Invalid edge interpolation algorithm: flat"),
        ("geometry(x", "Cannot parse type string to primitive: geometry(x"),
    ];
    for (text, expected) in cases {
        assert_eq!(Primitive::parse(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn fresh_ids_go_to_all_fields_of_a_struct_before_what_is_nested_in_them() {
    let point = json!({"type": "struct", "fields": [
        {"id": 60, "name": "x", "required": true, "type": "int"},
        {"id": 61, "name": "tags", "required": true, "type":
            {"type": "list", "element-id": 62, "element": "string", "element-required": true}},
    ]});
    let map =
        json!({"type": "map", "key-id": 71, "key": "string", "value-id": 72, "value": point, "value-required": true});
    let schema = json!({"type": "struct", "identifier-field-ids": [90], "fields": [
        optional(80, "m", map),
        {"id": 90, "name": "id", "required": true, "type": "long", "doc": "key"},
    ]});

    let fresh = parse(&schema).unwrap().with_fresh_ids().unwrap();

    let expected = json!({"type": "struct", "schema-id": 0, "identifier-field-ids": [2], "fields": [
        {"id": 1, "name": "m", "required": false, "type": {
            "type": "map", "key-id": 3, "key": "string", "value-id": 4, "value-required": true,
            "value": {"type": "struct", "fields": [
                {"id": 5, "name": "x", "required": true, "type": "int"},
                {"id": 6, "name": "tags", "required": true, "type":
                    {"type": "list", "element-id": 7, "element": "string", "element-required": true}},
            ]},
        }},
        {"id": 2, "name": "id", "required": true, "type": "long", "doc": "key"},
    ]});
    assert_eq!(serde_json::to_value(&fresh.schema).unwrap(), expected);
    assert_eq!((fresh.last_column_id, fresh.new_ids[&90]), (7, 2));
}

#[test]
fn b5_a_name_or_an_id_used_twice_is_refused() {
    let nested = json!({"type": "struct", "fields": [optional(3, "b", json!("int"))]});

    let name = parse(&with_fields(json!([optional(1, "id", json!("int")), optional(2, "id", json!("int"))])));
    let id = parse(&with_fields(json!([optional(1, "a", json!("int")), optional(1, "b", json!("int"))])));
    let full = parse(&with_fields(json!([optional(1, "a", nested), optional(2, "a.b", json!("int"))])));

    assert_eq!(name.unwrap_err(), "Invalid schema: multiple fields for name id: 1 and 2");
    assert_eq!(id.unwrap_err(), "Invalid schema: multiple fields with id 1: a and b");
    assert_eq!(full.unwrap_err(), "Invalid schema: multiple fields for name a.b: 3 and 2");
}

#[test]
fn identifier_fields_must_be_able_to_identify() {
    let inner = json!({"type": "struct", "fields": [{"id": 6, "name": "x", "required": true, "type": "int"}]});
    let list = json!({"type": "list", "element-id": 8, "element-required": true,
        "element": {"type": "struct", "fields": [{"id": 9, "name": "y", "required": true, "type": "int"}]}});
    let fields = json!([
        optional(1, "maybe", json!("int")),
        {"id": 2, "name": "ratio", "required": true, "type": "double"},
        optional(5, "s", inner),
        {"id": 7, "name": "l", "required": true, "type": list},
    ]);
    let cases = [
        (1, "field maybe as an identifier field: not a required field"),
        (2, "field ratio as an identifier field: must not be float or double field"),
        (5, "field s as an identifier field: not a primitive type field"),
        (6, "field x as an identifier field: must not be nested in an optional field 5: s: optional struct<"),
        (9, "field y as an identifier field: must not be nested in 7: l: required list<struct<9: y: required int>>"),
        (77, "fieldId 77 as an identifier field: field does not exist"),
    ];
    for (id, expected) in cases {
        let mut schema = with_fields(fields.clone());
        schema["identifier-field-ids"] = json!([id]);
        let message = parse(&schema).unwrap_err();
        assert!(message.starts_with(&format!("Cannot add {expected}")), "{message}");
    }
}

#[test]
fn a_schema_is_the_same_when_columns_and_identifiers_are() {
    let one = json!([{"id": 1, "name": "id", "required": true, "type": "long"}]);
    let mut other = with_fields(one.clone());
    other["schema-id"] = json!(7);
    let mut identified = other.clone();
    identified["identifier-field-ids"] = json!([1]);
    let (one, other, identified) =
        (parse(&with_fields(one)).unwrap(), parse(&other).unwrap(), parse(&identified).unwrap());

    assert!(one.same_as(&other));
    assert!(!one.same_as(&identified));
}
