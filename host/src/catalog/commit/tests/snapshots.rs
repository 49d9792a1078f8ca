//! Tests of snapshots: sequence numbers, row lineage, removal.

use serde_json::{Value, json};

use super::{NOW_MS, append, change, conflict, refused, snapshot, table, value};

fn add(snapshot: Value) -> Value {
    json!([{"action": "add-snapshot", "snapshot": snapshot}])
}

fn with_rows(id: i64, parent: Option<i64>, sequence_number: i64, first: i64, added: i64) -> Value {
    let mut snapshot = snapshot(id, parent, sequence_number);
    snapshot["first-row-id"] = json!(first);
    snapshot["added-rows"] = json!(added);
    snapshot
}

/// R12: another branch was committed to in between; the client reloads and tries again.
#[test]
fn r12_a_stale_sequence_number_answers_409() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;

    let message = conflict(&base, json!([]), add(snapshot(2, Some(1), 1)));

    assert_eq!(message, "Cannot add snapshot with sequence number 1 older than last sequence number 1");
}

#[test]
fn a_snapshot_without_a_parent_may_be_older_and_never_takes_the_number_back() {
    let base = change(&table(json!({})), json!(append(1, None, 5))).after;

    let after = change(&base, add(snapshot(2, None, 3))).after;

    assert_eq!(value(&after)["last-sequence-number"], 5);
}

/// R12: row ids of v3 are given out in order.
#[test]
fn r12_a_stale_first_row_id_answers_409_and_a_missing_one_400() {
    let base = table(json!({"format-version": "3"}));
    let base = change(&base, add(with_rows(1, None, 1, 0, 10))).after;
    assert_eq!(value(&base)["next-row-id"], 10);

    let stale = conflict(&base, json!([]), add(with_rows(2, Some(1), 2, 9, 10)));
    let missing = refused(&base, add(snapshot(2, Some(1), 2)));
    let negative = refused(&base, add(with_rows(2, Some(1), 2, 10, -1)));
    let overflow = refused(&base, add(with_rows(2, Some(1), 2, 10, i64::MAX)));
    let ahead = change(&base, add(with_rows(2, Some(1), 2, 50, 7))).after;

    assert_eq!(stale, "Cannot add a snapshot, first-row-id is behind table next-row-id: 9 < 10");
    assert!(missing.ends_with("Cannot add a snapshot: first-row-id is null"), "{missing}");
    assert!(negative.ends_with("added-rows is negative: -1"), "{negative}");
    assert!(overflow.contains("row ids are used up"), "{overflow}");
    // As Java counts: the gap is not skipped.
    assert_eq!(value(&ahead)["next-row-id"], 17);
}

#[test]
fn b5_a_snapshot_id_is_used_once() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;

    let message = refused(&base, add(snapshot(1, None, 2)));

    assert_eq!(message, "updates[0] (add-snapshot): Snapshot already exists for id: 1");
}

/// B5: a clock of the far future would close the table for everybody else.
#[test]
fn b5_timestamps_at_the_edges_of_64_bits_are_refused() {
    let base = table(json!({}));
    for timestamp_ms in [i64::MAX, i64::MIN, -1, NOW_MS + 48 * 3_600_000] {
        let mut snapshot = snapshot(1, None, 1);
        snapshot["timestamp-ms"] = json!(timestamp_ms);
        let message = refused(&base, add(snapshot));
        assert!(message.contains(&format!("Invalid snapshot timestamp-ms {timestamp_ms}")), "{message}");
    }
}

#[test]
fn b5_a_snapshot_older_than_the_table_by_more_than_the_skew_of_clocks_is_refused() {
    let base = table(json!({}));
    let mut old = snapshot(1, None, 1);

    old["timestamp-ms"] = json!(NOW_MS - 60_000);
    change(&base, add(old.clone()));
    old["timestamp-ms"] = json!(NOW_MS - 60_001);
    let message = refused(&base, add(old));

    assert!(message.starts_with("Invalid update timestamp"), "{message}");
}

/// B5: nobody follows parents, so a circle of them is only odd.
#[test]
fn b5_snapshots_that_are_each_others_parents_do_no_harm() {
    let updates = json!([
        {"action": "add-snapshot", "snapshot": snapshot(1, Some(2), 1)},
        {"action": "add-snapshot", "snapshot": snapshot(2, Some(1), 2)},
        {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 2},
    ]);

    let base = change(&table(json!({})), updates).after;
    let after = change(&base, json!([{"action": "remove-snapshots", "snapshot-ids": [1]}])).after;

    assert_eq!(after.snapshots().count(), 1);
}

#[test]
fn removed_snapshots_take_refs_and_statistics_with_them() {
    let file = |id: i64| json!({"snapshot-id": id, "statistics-path": "s3://lake/t1/s", "file-size-in-bytes": 1});
    let mut updates = append(1, None, 1);
    updates.extend(append(2, Some(1), 2));
    updates.extend([
        json!({"action": "set-snapshot-ref", "ref-name": "old", "type": "tag", "snapshot-id": 1}),
        json!({"action": "set-statistics", "statistics": file(1)}),
        json!({"action": "set-statistics", "statistics": file(2)}),
        json!({"action": "set-partition-statistics", "partition-statistics": file(1)}),
    ]);
    let base = change(&table(json!({})), json!(updates)).after;

    let after = change(&base, json!([{"action": "remove-snapshots", "snapshot-ids": [1, 99]}]));

    let shown = value(&after.after);
    assert_eq!(shown["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(shown["refs"], json!({"main": {"snapshot-id": 2, "type": "branch"}}));
    assert_eq!(shown["statistics"], json!([file(2)]));
    assert_eq!(shown["partition-statistics"], json!([]));
    assert_eq!(after.refs_moved.iter().map(|moved| moved.name.as_str()).collect::<Vec<_>>(), ["old"]);
}

#[test]
fn removing_the_current_snapshot_removes_main() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;

    let after = value(&change(&base, json!([{"action": "remove-snapshots", "snapshot-ids": [1]}])).after);

    assert_eq!((&after["current-snapshot-id"], &after["refs"]), (&json!(-1), &json!({})));
    assert_eq!(after["snapshot-log"], json!([]));
}

#[test]
fn a_snapshot_removed_and_added_again_in_one_commit_is_there_once() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;
    let mut updates = vec![json!({"action": "remove-snapshots", "snapshot-ids": [1]})];
    updates.extend(append(1, None, 2));

    let after = change(&base, json!(updates)).after;

    let sequence_numbers: Vec<i64> = after.snapshots().map(|header| header.sequence_number).collect();
    assert_eq!(sequence_numbers, [2]);
    assert_eq!(after.current_snapshot_id(), Some(1));
}
