//! Tests of URIs that requests bring in, field by field: S11, S9.

use serde_json::{Value, json};

use super::{append, change, refused, snapshot, table, try_commit};
use crate::catalog::metadata::TableMetadata;

const OUTSIDE: [&str; 5] = ["s3://lake/t10/x", "s3://lake", "s3://lake/t1-", "s3://other/t1/x", "s3://lake/t1/../t2/x"];

fn check_field(base: &TableMetadata, field: &str, update: impl Fn(&str) -> Value) {
    for uri in OUTSIDE {
        let message = refused(base, json!([update(uri)]));
        assert!(message.contains(field), "{uri}: {message}");
    }
    try_commit(base, json!([]), json!([update("s3://lake/t1/inside/x")])).unwrap();
}

#[test]
fn s11_manifest_lists_lie_inside_the_table() {
    check_field(&table(json!({})), "manifest-list", |uri| {
        let mut snapshot = snapshot(1, None, 1);
        snapshot["manifest-list"] = json!(uri);
        json!({"action": "add-snapshot", "snapshot": snapshot})
    });
}

#[test]
fn s11_manifests_that_a_v1_snapshot_names_one_by_one_lie_inside_the_table() {
    check_field(&table(json!({"format-version": "1"})), "manifests", |uri| {
        let mut snapshot = snapshot(1, None, 0);
        snapshot.as_object_mut().unwrap().remove("manifest-list");
        snapshot["manifests"] = json!(["s3://lake/t1/metadata/m0.avro", uri]);
        json!({"action": "add-snapshot", "snapshot": snapshot})
    });
}

#[test]
fn s11_statistics_lie_inside_the_table() {
    let file = |uri: &str| json!({"snapshot-id": 1, "statistics-path": uri, "file-size-in-bytes": 1});
    let base = table(json!({}));

    check_field(&base, "statistics-path", |uri| json!({"action": "set-statistics", "statistics": file(uri)}));
    check_field(
        &base,
        "statistics-path",
        |uri| json!({"action": "set-partition-statistics", "partition-statistics": file(uri)}),
    );
}

#[test]
fn s11_write_paths_lie_inside_the_table() {
    for key in ["write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path"] {
        check_field(&table(json!({})), key, |uri| json!({"action": "set-properties", "updates": {key: uri}}));
    }
}

#[test]
fn a_path_that_is_outside_since_long_is_no_reason_to_refuse_other_commits() {
    let mut document = super::value(&table(json!({})));
    document["properties"] = json!({"write.data.path": "s3://elsewhere/data"});
    let base = TableMetadata::parse(document.to_string().as_bytes()).unwrap();

    change(
        &base,
        json!([{"action": "set-properties", "updates": {"write.data.path": "s3://elsewhere/data", "a": "b"}}]),
    );
    change(&base, json!(append(1, None, 1)));
}

#[test]
fn s11_a_table_without_snapshots_may_move_and_its_new_location_is_told() {
    let base = table(json!({}));

    let change = change(&base, json!([{"action": "set-location", "location": "s3://lake/elsewhere/"}]));

    assert_eq!(change.location.unwrap().as_str(), "s3://lake/elsewhere");
    assert_eq!(change.after.location(), "s3://lake/elsewhere");
    assert!(refused(&base, json!([{"action": "set-location", "location": "s3://lake/../x"}])).contains("set-location"));
}

#[test]
fn a_table_with_snapshots_stays_where_it_is_unless_it_is_replaced() {
    let base = change(&table(json!({})), json!(append(1, None, 1))).after;
    let moved = json!({"action": "set-location", "location": "s3://lake/t2"});
    let same = json!({"action": "set-location", "location": "s3://lake/t1/"});

    let message = refused(&base, json!([moved]));
    let replaced = change(&base, json!([{"action": "remove-snapshot-ref", "ref-name": "main"}, moved]));

    assert!(message.contains("the table has snapshots in s3://lake/t1"), "{message}");
    assert_eq!(replaced.after.location(), "s3://lake/t2");
    assert!(matches!(try_commit(&base, json!([]), json!([same])).unwrap(), super::Outcome::Unchanged));
}

#[test]
fn s11_paths_are_held_against_the_location_that_the_table_has_in_the_end() {
    let base = table(json!({"write.data.path": "s3://lake/t1/data"}));
    let moved = json!({"action": "set-location", "location": "s3://lake/t2"});

    let left_behind = refused(&base, json!([moved]));
    let followed = json!([{"action": "set-properties", "updates": {"write.data.path": "s3://lake/t2/d"}}, moved]);

    assert!(left_behind.contains("write.data.path must lie inside the table's location s3://lake/t2"), "{left_behind}");
    change(&base, followed);
}
