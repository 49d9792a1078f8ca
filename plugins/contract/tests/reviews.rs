//! What a contract says to changes.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use serde_json::{Value, json};
use weir_plugin::testing::{Change, Document, call, column, configure, object};
use weir_plugin::{Column, Contract, Object, PropertyChange, Retype, Severity, Violation};
use weir_plugin_contract::DataContract;

fn review(settings: Value, change: &Change) -> Vec<Violation> {
    review_of(settings, &object("table", "sales.orders"), None, change)
}

fn review_of(settings: Value, subject: &Object, target: Option<&Object>, change: &Change) -> Vec<Violation> {
    let contract = configure::<DataContract>(&settings).unwrap_or_else(|problems| panic!("{problems:?}"));
    contract.review(&call("alice", &[]), subject, target, &change.proposal()).expect("a review")
}

fn paths(violations: &[Violation]) -> Vec<&str> {
    violations.iter().filter_map(|violation| violation.path.as_deref()).collect()
}

fn rules(rules: Value) -> Value {
    json!({ "rules": [rules] })
}

/// A commit to a table with these properties.
fn commit(properties: &[(&str, &str)]) -> Change {
    let state = Document {
        properties: properties.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        ..Document::default()
    };
    Change { operation: "commit".to_string(), before: Some(state.clone()), after: Some(state), ..Change::default() }
}

fn create(columns: Vec<Column>) -> Change {
    let after = Document { columns, ..Document::default() };
    Change { operation: "create".to_string(), after: Some(after), ..Change::default() }
}

fn required(column: Column) -> Column {
    Column { required: true, ..column }
}

/// One change of each kind, with the modes that refuse it.
fn changes() -> Vec<(&'static str, Change, bool, bool)> {
    let base = || commit(&[]);
    let retype = |before: &str, after: &str| Retype {
        id: 1,
        path: vec!["a".to_string()],
        before: before.to_string(),
        after: after.to_string(),
    };
    let a = || column(1, "a", "long");
    let with_default = Column { default: Some("0".to_string()), ..required(a()) };
    vec![
        ("add optional", Change { added: vec![a()], ..base() }, false, false),
        ("add required with default", Change { added: vec![with_default], ..base() }, false, false),
        ("add required", Change { added: vec![required(a())], ..base() }, true, false),
        ("drop", Change { dropped: vec![a()], ..base() }, false, true),
        ("rename", Change { renamed: vec![(a(), column(1, "b", "long"))], ..base() }, false, true),
        ("tighten", Change { tightened: vec![a()], ..base() }, true, false),
        ("relax", Change { relaxed: vec![a()], ..base() }, false, true),
        ("widen", Change { retyped: vec![retype("int", "long")], ..base() }, false, true),
        ("more digits", Change { retyped: vec![retype("decimal(9, 2)", "decimal(12,2)")], ..base() }, false, true),
        ("other scale", Change { retyped: vec![retype("decimal(9, 2)", "decimal(12,3)")], ..base() }, true, true),
        ("narrow", Change { retyped: vec![retype("long", "int")], ..base() }, true, true),
    ]
}

#[test]
fn each_mode_refuses_what_breaks_its_readers() {
    for (name, change, backward, forward) in changes() {
        for (mode, breaks) in
            [("none", false), ("backward", backward), ("forward", forward), ("full", backward || forward)]
        {
            let violations = review(rules(json!({ "compatibility": mode })), &change);
            assert_eq!(!violations.is_empty(), breaks, "{name} under {mode}: {violations:?}");
        }
    }
}

#[test]
fn the_mode_that_the_table_had_before_beats_the_default() {
    let change = |before: &str| Change {
        dropped: vec![column(1, "a", "long")],
        ..commit(&[("contract.compatibility", before)])
    };
    let settings = || rules(json!({ "compatibility": "none" }));
    assert_eq!(paths(&review(settings(), &change("FORWARD"))), ["a"]);
    let mut evasive = change("full");
    evasive.after = Some(Document::default());
    assert_eq!(paths(&review(settings(), &evasive)), ["a"]);
    let misspelt = review(settings(), &change("sideways"));
    assert!(misspelt[0].message.contains("`sideways` is no compatibility mode"), "{misspelt:?}");
}

#[test]
fn protected_columns_stay() {
    let change = Change {
        dropped: vec![column(1, "id", "long"), column(2, "note", "string")],
        renamed: vec![(column(3, "customer.name", "string"), column(3, "customer.title", "string"))],
        ..commit(&[])
    };
    let violations = review(rules(json!({ "name": "sales", "protected-columns": ["id", "customer.*"] })), &change);
    assert_eq!(paths(&violations), ["id", "customer.name"]);
    assert!(violations.iter().all(|violation| violation.rule == "sales/protected-columns"));
}

#[test]
fn columns_are_judged_when_they_come_or_change() {
    let settings = || {
        rules(json!({ "column-names": "[a-z_]+", "documented-columns": true, "allowed-types": ["long", "decimal"],
                      "severity": "warn" }))
    };
    let bad = column(1, "Bad", "string");
    let good = Column { doc: Some("fine".to_string()), ..column(2, "good", "decimal(9, 2)") };
    let violations = review(settings(), &create(vec![bad.clone(), good.clone()]));
    assert_eq!(paths(&violations), ["Bad", "Bad", "Bad"]);
    assert!(violations.iter().all(|violation| violation.severity == Severity::Warn));
    let mut unrelated = commit(&[]);
    unrelated.after.as_mut().unwrap().columns = vec![bad.clone()];
    assert_eq!(review(settings(), &unrelated).len(), 0, "an old column is left alone");
    assert_eq!(review(settings(), &Change { added: vec![bad, good], ..commit(&[]) }).len(), 3);
}

#[test]
fn required_properties_are_judged_when_the_table_comes_or_they_change() {
    let settings = || rules(json!({ "required-properties": { "owner": "team-[a-z]+", "description": "" } }));
    assert_eq!(paths(&review(settings(), &create(Vec::new()))), ["description", "owner"]);
    assert_eq!(review(settings(), &commit(&[])).len(), 0);
    let set = |value: Option<&str>| Change {
        properties: vec![PropertyChange { key: "owner".to_string(), before: None, after: value.map(str::to_string) }],
        ..commit(&[])
    };
    assert_eq!(review(settings(), &set(Some("team-a"))).len(), 0);
    assert_eq!(paths(&review(settings(), &set(Some("nobody")))), ["owner"]);
    assert_eq!(paths(&review(settings(), &set(None))), ["owner"]);
}

#[test]
fn names_are_judged_at_creation_and_at_the_target_of_a_rename() {
    let settings = || rules(json!({ "names": "[a-z_]+", "objects": "sales.*" }));
    assert_eq!(review_of(settings(), &object("table", "sales.Orders"), None, &create(Vec::new())).len(), 1);
    assert_eq!(review_of(settings(), &object("table", "other.Orders"), None, &create(Vec::new())).len(), 0);
    let rename = Change { operation: "rename".to_string(), ..commit(&[]) };
    let (from, to) = (object("table", "other.orders"), object("table", "sales.Orders"));
    assert_eq!(review_of(settings(), &from, Some(&to), &rename).len(), 1);
}

#[test]
fn what_moves_with_its_namespace_is_named_by_the_rules_only_where_it_arrives() {
    let settings = || rules(json!({ "names": "[a-z_]+", "objects": "sales.*" }));
    let moved = Change { operation: "move-namespace".to_string(), ..commit(&[]) };
    let review =
        |from: &str, to: &str| review_of(settings(), &object("table", from), Some(&object("table", to)), &moved).len();
    assert_eq!(review("other.Orders", "sales.Orders"), 1);
    assert_eq!(review("sales.eu.Orders", "sales.us.Orders"), 0);
    assert_eq!(review("sales.eu.Orders", "other.Orders"), 0);
}

#[test]
fn what_is_kept_is_neither_dropped_nor_renamed() {
    for (operation, violations) in
        [("drop", 1), ("rename", 1), ("move-namespace", 1), ("drop-recursive", 1), ("commit", 0)]
    {
        let change = Change { operation: operation.to_string(), ..commit(&[]) };
        assert_eq!(review(rules(json!({ "keep": true })), &change).len(), violations, "{operation}");
    }
}

fn odcs(more: Value) -> Value {
    let mut contract = json!({
        "document": { "apiVersion": "v3.0.2", "kind": "DataContract", "id": "orders", "status": "active", "schema": [{
            "name": "Orders", "physicalName": "orders", "properties": [
                { "name": "id", "logicalType": "integer", "required": true },
                { "name": "price", "physicalType": "decimal(9,2)" },
                { "name": "customer", "logicalType": "object", "properties": [{ "name": "name", "logicalType": "string" }] },
            ],
        }] },
    });
    contract.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "contracts": [contract] })
}

fn fitting() -> Vec<Column> {
    vec![
        required(column(1, "id", "long")),
        column(2, "price", "decimal(9, 2)"),
        column(3, "customer", "struct<name: string>"),
        column(4, "customer.name", "string"),
    ]
}

#[test]
fn a_table_that_fits_its_open_data_contract_passes() {
    assert_eq!(review(odcs(json!({ "closed": true })), &create(fitting())).len(), 0);
}

#[test]
fn an_open_data_contract_names_all_that_does_not_fit() {
    let mut columns = fitting();
    columns[0].required = false;
    columns[1].type_text = "double".to_string();
    columns[3] = column(4, "customer.title", "string");
    columns.push(column(5, "extra", "int"));
    let violations = review(odcs(json!({ "closed": true })), &create(columns.clone()));
    assert_eq!(paths(&violations), ["id", "price", "customer.name", "extra"]);
    assert_eq!(violations[0].rule, "orders/schema");
    assert_eq!(review_of(odcs(json!({})), &object("table", "sales.other"), None, &create(columns)).len(), 0);
}

#[test]
fn data_is_written_to_a_table_that_does_not_fit_yet() {
    assert_eq!(review(odcs(json!({})), &commit(&[])).len(), 0);
    assert_ne!(review(odcs(json!({})), &Change { added: vec![column(9, "x", "int")], ..commit(&[]) }).len(), 0);
}

#[test]
fn problems_of_the_settings_come_together_with_their_places() {
    let settings = json!({
        "rules": [{ "names": "(", "required-properties": { "a/b": "[" }, "kinds": ["tabel"] }],
        "contracts": [{ "document": { "apiVersion": "v2.2.2", "kind": "DataContract", "id": "x" } }],
    });
    let problems = configure::<DataContract>(&settings).err().expect("problems");
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    let expected =
        ["/rules/0/names", "/rules/0/required-properties/a~1b", "/rules/0/kinds", "/contracts/0/document/apiVersion"];
    assert_eq!(pointers, expected);
}
