//! Tests of what needs v3: types, initial defaults.

use serde_json::{Value, json};

use super::{parse, with_fields};

fn column(kind: &str, default: Option<(&str, Value)>) -> Value {
    let mut field = json!({"id": 1, "name": "c", "required": false, "type": kind});
    if let Some((which, value)) = default {
        field[which] = value;
    }
    with_fields(json!([field]))
}

/// B5: with Java's wording.
#[test]
fn b5_types_of_v3_are_refused_before_v3() {
    for kind in ["variant", "unknown", "geometry(srid:3857)", "geography", "timestamp_ns", "timestamptz_ns"] {
        let schema = parse(&column(kind, None)).unwrap();

        let message = schema.check_format_version(2).unwrap_err().to_string();

        assert_eq!(message, format!("Invalid schema for v2:\n- Invalid type for c: {kind} is not supported until v3"));
        schema.check_format_version(3).unwrap();
    }
}

#[test]
fn every_problem_of_a_schema_is_listed_with_its_full_name() {
    let list = json!({"type": "list", "element-id": 3, "element": "timestamp_ns", "element-required": true});
    let schema = parse(&with_fields(json!([
        {"id": 1, "name": "v", "required": false, "type": "variant"},
        {"id": 2, "name": "l", "required": false, "type": list},
    ])));

    let message = schema.unwrap().check_format_version(1).unwrap_err().to_string();

    let expected = "Invalid schema for v1:\n- Invalid type for v: variant is not supported until v3\n\
        - Invalid type for l.element: timestamp_ns is not supported until v3";
    assert_eq!(message, expected);
}

#[test]
fn an_initial_default_needs_v3_where_a_write_default_does_not() {
    let initial = parse(&column("string", Some(("initial-default", json!("--"))))).unwrap();
    let write = parse(&column("string", Some(("write-default", json!("--"))))).unwrap();

    let message = initial.check_format_version(2).unwrap_err().to_string();

    assert!(
        message.ends_with("Invalid initial default for c: non-null default (--) is not supported until v3"),
        "{message}"
    );
    initial.check_format_version(3).unwrap();
    write.check_format_version(2).unwrap();
}

#[test]
fn defaults_that_are_values_of_their_type_are_taken() {
    let cases = [
        ("boolean", json!(true)),
        ("int", json!(-5)),
        ("long", json!(9_007_199_254_740_993_i64)),
        ("double", json!(1.5)),
        ("decimal(9, 2)", json!("14.20")),
        ("date", json!("2024-02-29")),
        ("time", json!("10:00:00.123456")),
        ("timestamp", json!("2024-01-01T00:00:00.123456")),
        ("timestamptz", json!("2024-01-01T00:00:00+00:00")),
        ("timestamptz", json!("2024-01-01T00:00:00Z")),
        ("timestamp_ns", json!("2024-01-01T00:00:00.123456789")),
        ("string", json!("x")),
        ("uuid", json!("eb26bdb1-a1d8-4aa6-990e-da940875492c")),
        ("fixed[2]", json!("0aF0")),
        ("binary", json!("00")),
    ];
    for (kind, value) in cases {
        let shown = value.to_string();
        assert!(parse(&column(kind, Some(("initial-default", value)))).is_ok(), "{kind} {shown}");
    }
}

#[test]
fn b5_defaults_that_are_no_values_of_their_type_are_refused() {
    let cases = [
        ("boolean", json!("true")),
        ("int", json!(3_000_000_000_i64)),
        ("long", json!(5.5)),
        ("double", json!(1)),
        ("decimal(9, 2)", json!("14.2")),
        ("date", json!("2023-02-29")),
        ("timestamp", json!("2024-01-01T00:00:00Z")),
        ("timestamptz", json!("2024-01-01T00:00:00+01:00")),
        ("uuid", json!("x")),
        ("fixed[2]", json!("0a")),
        ("binary", json!("0")),
        ("string", json!(5)),
        ("variant", json!("x")),
        ("geometry", json!("POINT(0 0)")),
        ("unknown", json!(1)),
    ];
    for (kind, value) in cases {
        let message = parse(&column(kind, Some(("write-default", value)))).unwrap_err();
        assert!(message.starts_with("Cannot parse write-default of field c as a "), "{kind}: {message}");
    }
}

#[test]
fn an_unknown_column_cannot_be_required() {
    let field = json!({"id": 1, "name": "c", "required": true, "type": "unknown"});

    let message = parse(&with_fields(json!([field]))).unwrap_err();

    assert_eq!(message, "Cannot create required field with unknown type: c");
}
