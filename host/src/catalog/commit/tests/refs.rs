//! Tests of branches, of tags, of the snapshot log.

use serde_json::{Value, json};

use super::super::RefMove;
use super::{NOW_MS, append, change, conflict, refused, table, value};
use crate::catalog::metadata::TableMetadata;

fn three_appends() -> TableMetadata {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;
    let base = change(&base, json!(append(2, Some(1), 2))).after;
    change(&base, json!(append(3, Some(2), 3))).after
}

fn set(name: &str, kind: &str, id: i64) -> Value {
    json!({"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id})
}

fn log(metadata: &TableMetadata) -> Vec<i64> {
    let shown = value(metadata);
    shown["snapshot-log"].as_array().unwrap().iter().map(|entry| entry["snapshot-id"].as_i64().unwrap()).collect()
}

#[test]
fn moving_main_back_is_logged_with_the_time_of_the_commit() {
    let base = three_appends();

    let change = change(&base, json!([set("main", "branch", 1)]));

    assert_eq!(log(&change.after), [1, 2, 3, 1]);
    assert_eq!(value(&change.after)["snapshot-log"][3]["timestamp-ms"], NOW_MS + 3);
    assert_eq!(change.refs_moved, [RefMove { name: "main".to_owned(), from: Some(3), to: Some(1) }]);
}

#[test]
fn snapshots_that_were_current_only_inside_a_commit_are_not_logged() {
    let mut updates = append(1, None, 1);
    updates.extend(append(2, Some(1), 2));

    let after = change(&table(json!({})), json!(updates)).after;

    assert_eq!(log(&after), [2]);
}

#[test]
fn the_log_begins_after_the_newest_snapshot_that_was_removed() {
    let after = change(&three_appends(), json!([{"action": "remove-snapshots", "snapshot-ids": [2]}])).after;

    assert_eq!(log(&after), [3]);
}

#[test]
fn without_main_there_is_no_current_snapshot_and_the_log_stays() {
    let base = three_appends();

    let after = change(&base, json!([{"action": "remove-snapshot-ref", "ref-name": "main"}])).after;

    assert_eq!(after.current_snapshot_id(), None);
    assert_eq!(value(&after)["current-snapshot-id"], -1);
    assert_eq!(log(&after), [1, 2, 3]);
}

#[test]
fn v3_says_null_where_there_is_no_current_snapshot() {
    assert_eq!(value(&table(json!({"format-version": "3"})))["current-snapshot-id"], Value::Null);
}

#[test]
fn refs_that_cannot_be_are_refused() {
    let base = three_appends();
    let with = |mut update: Value, name: &str, number: i64| {
        update[name] = json!(number);
        update
    };
    let cases = [
        (set("main", "tag", 1), "main is always a branch"),
        (set("dev", "branch", 9), "Cannot set dev to unknown snapshot: 9"),
        (set("", "branch", 1), "empty name"),
        (with(set("t", "tag", 1), "min-snapshots-to-keep", 1), "Tags do not support setting minSnapshotsToKeep"),
        (with(set("t", "tag", 1), "max-snapshot-age-ms", 1), "Tags do not support setting maxSnapshotAgeMs"),
        (with(set("b", "branch", 1), "min-snapshots-to-keep", 0), "Min snapshots to keep must be greater than 0"),
        (with(set("b", "branch", 1), "max-snapshot-age-ms", -1), "Max snapshot age must be greater than 0 ms"),
        (with(set("b", "branch", 1), "max-ref-age-ms", 0), "Max reference age must be greater than 0"),
    ];
    for (update, expected) in cases {
        let message = refused(&base, json!([update]));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_ref_requirement_names_what_happened_to_the_ref() {
    let base = change(&three_appends(), json!([set("v1", "tag", 1)])).after;
    let requirement =
        |name: &str, id: Value| json!([{"type": "assert-ref-snapshot-id", "ref": name, "snapshot-id": id}]);

    let moved = conflict(&base, requirement("main", json!(2)), json!([]));
    let created = conflict(&base, requirement("v1", Value::Null), json!([]));

    assert_eq!(moved, "Requirement failed: branch main has changed: expected id 2 != 3");
    assert_eq!(created, "Requirement failed: tag v1 was created concurrently");
}
