//! Tests of what every commit shares: order, effect, log, requirements.

use serde_json::json;

use super::super::Outcome;
use super::{NOW_MS, PREVIOUS, append, change, conflict, refused, table, try_commit, value};

#[test]
fn an_append_moves_main_and_writes_both_logs() {
    let base = table(json!({}));

    let change = change(&base, json!(append(1, None, 1)));

    let after = value(&change.after);
    assert_eq!(after["current-snapshot-id"], 1);
    assert_eq!(after["last-sequence-number"], 1);
    assert_eq!(after["last-updated-ms"], NOW_MS + 1);
    assert_eq!(after["refs"], json!({"main": {"snapshot-id": 1, "type": "branch"}}));
    assert_eq!(after["snapshot-log"], json!([{"timestamp-ms": NOW_MS + 1, "snapshot-id": 1}]));
    assert_eq!(after["metadata-log"], json!([{"timestamp-ms": NOW_MS, "metadata-file": PREVIOUS}]));
    assert_eq!(change.actions, ["add-snapshot", "set-snapshot-ref"]);
    assert_eq!(change.refs_moved.len(), 1);
}

#[test]
fn a_commit_without_effect_changes_nothing() {
    let base = table(json!({}));

    let outcome = try_commit(&base, json!([]), json!([{"action": "set-current-schema", "schema-id": 0}])).unwrap();

    assert!(matches!(outcome, Outcome::Unchanged));
}

#[test]
fn a_failed_requirement_answers_409_with_javas_wording_before_any_update_is_looked_at() {
    let base = table(json!({}));
    let invalid_update = json!([{"action": "set-current-schema", "schema-id": 99}]);
    let cases = [
        (json!({"type": "assert-create"}), "Requirement failed: table already exists"),
        (
            json!({"type": "assert-table-uuid", "uuid": "x"}),
            "Requirement failed: UUID does not match: expected 00000000-0000-0000-0000-000000000000 != x",
        ),
        (
            json!({"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 3}),
            "Requirement failed: branch or tag main is missing, expected 3",
        ),
        (
            json!({"type": "assert-last-assigned-field-id", "last-assigned-field-id": 5}),
            "Requirement failed: last assigned field id changed: expected id 5 != 2",
        ),
        (
            json!({"type": "assert-current-schema-id", "current-schema-id": 1}),
            "Requirement failed: current schema changed: expected id 1 != 0",
        ),
        (
            json!({"type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 1000}),
            "Requirement failed: last assigned partition id changed: expected id 1000 != 999",
        ),
        (
            json!({"type": "assert-default-spec-id", "default-spec-id": 1}),
            "Requirement failed: default partition spec changed: expected id 1 != 0",
        ),
        (
            json!({"type": "assert-default-sort-order-id", "default-sort-order-id": 1}),
            "Requirement failed: default sort order changed: expected id 1 != 0",
        ),
    ];
    for (requirement, expected) in cases {
        assert_eq!(conflict(&base, json!([requirement]), invalid_update.clone()), expected);
    }
}

/// B5: unknown actions and requirements are never ignored.
#[test]
fn b5_unknown_updates_and_requirements_answer_400_naming_them() {
    let base = table(json!({}));

    let update = refused(&base, json!([{"action": "frobnicate"}]));
    let requirement = try_commit(&base, json!([{"type": "assert-moon"}]), json!([])).unwrap_err().to_string();

    assert!(update.starts_with("updates[0]: ") && update.contains("frobnicate"), "{update}");
    assert!(requirement.starts_with("requirements[0]: ") && requirement.contains("assert-moon"), "{requirement}");
}
