//! Tests of hostile or huge schemas.

use serde_json::json;

use super::{Schema, Text, parse, with_fields};

/// B5: field ids are 32 bits, negative and reserved ones are nobody's to give.
#[test]
fn b5_field_ids_outside_of_their_range_are_refused() {
    let field = |id: i64| with_fields(json!([{"id": id, "name": "c", "required": false, "type": "int"}]));

    assert!(parse(&field(1 << 31)).unwrap_err().starts_with("Cannot parse schema from json: invalid value"));
    for id in [-1, i64::from(i32::MAX), i64::from(super::super::RESERVED_ID_MIN)] {
        let message = parse(&field(id)).unwrap().check_assigned_ids().unwrap_err().to_string();
        assert!(message.starts_with(&format!("Invalid field id for c: {id} is not between")), "{message}");
    }
}

/// B3, B5: nesting ends in 400 before it ends the stack.
#[test]
fn b5_a_schema_that_nests_too_deep_is_refused() {
    let nested = |depth: i32| {
        let (mut open, mut close) = (String::new(), String::new());
        for level in 0..depth {
            open += &format!(r#"{{"type":"list","element-id":{},"element-required":true,"element":"#, level + 2);
            close += "}";
        }
        format!(r#"{{"type":"struct","fields":[{{"id":1,"name":"l","required":true,"type":{open}"int"{close}}}]}}"#)
    };

    assert!(Schema::parse(&Text::new(nested(100))).is_ok());
    for depth in [200, 10_000] {
        let message = Schema::parse(&Text::new(nested(depth))).unwrap_err().to_string();
        assert!(message.contains("recursion limit exceeded"), "{message}");
    }
}

/// B5: ten thousand columns are read, checked, numbered in well under a second.
#[test]
fn b5_ten_thousand_columns_work() {
    let field = |id: i32| json!({"id": id, "name": format!("column_{id}"), "required": false, "type": "string"});
    let schema = parse(&with_fields((1..=10_000).map(field).collect())).unwrap();

    let fresh = schema.with_fresh_ids().unwrap();

    assert_eq!(fresh.last_column_id, 10_000);
    assert!(fresh.schema.same_as(&schema));
}
