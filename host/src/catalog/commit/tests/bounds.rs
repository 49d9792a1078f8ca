//! Tests of huge commits: they work, within a time that nobody notices even unoptimised.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::{Base, Outcome, commit};
use super::{NOW_MS, PREVIOUS, append, change, snapshot, table};
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::CommitTable;

/// Far above what is needed, so that only a wrong order of growth is noticed on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn thousands(count: i64, update: impl Fn(i64) -> Value) -> Value {
    (0..count).map(update).collect()
}

fn timed(base: &TableMetadata, updates: Value) -> TableMetadata {
    let since = Instant::now();
    let after = change(base, updates).after;
    assert!(since.elapsed() < PATIENCE, "took {:?}", since.elapsed());
    after
}

fn with_snapshots(count: i64) -> TableMetadata {
    let add = |id: i64| json!({"action": "add-snapshot", "snapshot": snapshot(id, None, id)});
    let mut updates: Vec<Value> = (1..count).map(add).collect();
    updates.extend(append(count, None, count));
    timed(&table(json!({})), json!(updates))
}

/// B5
#[test]
fn b5_ten_thousand_snapshots_come_and_go_one_by_one() {
    let base = with_snapshots(10_000);

    let after = timed(&base, thousands(9_999, |id| json!({"action": "remove-snapshots", "snapshot-ids": [id + 1]})));

    assert_eq!(after.snapshots().count(), 1);
}

/// B5, B6
#[test]
fn b6_a_hundred_thousand_properties_come_at_once_and_go_one_by_one() {
    let keys: serde_json::Map<String, Value> = (0..100_000).map(|id| (format!("k{id}"), json!("v"))).collect();
    let base = timed(&table(json!({})), json!([{"action": "set-properties", "updates": keys}]));

    let remove = |id: i64| json!({"action": "remove-properties", "removals": [format!("k{id}")]});
    let after = timed(&base, thousands(10_000, remove));

    assert_eq!(after.properties().len(), 90_001);
}

/// B6
#[test]
fn b6_a_property_of_a_megabyte_is_kept_and_keys_differ_by_case() {
    let value = "x".repeat(1 << 20);

    let after = timed(&table(json!({})), json!([{"action": "set-properties", "updates": {"Key": value, "key": "y"}}]));

    assert_eq!(after.property("Key").map(str::len), Some(1 << 20));
    assert_eq!(after.property("key"), Some("y"));
}

/// B5: whatever the kind of update.
#[test]
fn b5_thousands_of_schemas_specs_orders_refs_work() {
    let base = with_snapshots(1);
    timed(
        &base,
        thousands(1_000, |id| {
            let field = json!({"id": id + 1, "name": format!("c{id}"), "required": false, "type": "int"});
            json!({"action": "add-schema", "schema": {"type": "struct", "fields": [field]}})
        }),
    );
    timed(
        &base,
        thousands(2_000, |id| {
            let field =
                json!({"source-id": 1, "field-id": 1000 + id, "name": format!("p{id}"), "transform": "identity"});
            json!({"action": "add-spec", "spec": {"fields": [field]}})
        }),
    );
    timed(
        &base,
        thousands(2_000, |id| {
            let transform = format!("bucket[{}]", id + 1);
            let field = json!({"source-id": 1, "transform": transform, "direction": "asc", "null-order": "nulls-last"});
            json!({"action": "add-sort-order", "sort-order": {"order-id": 1, "fields": [field]}})
        }),
    );
    let many = timed(
        &base,
        thousands(
            10_000,
            |id| json!({"action": "set-snapshot-ref", "ref-name": format!("b{id}"), "type": "branch", "snapshot-id": 1}),
        ),
    );
    timed(&many, thousands(10_000, |id| json!({"action": "remove-snapshot-ref", "ref-name": format!("b{id}")})));
}

/// A commit to a table with a thousand snapshots touches none of them.
#[test]
fn a_commit_to_a_table_with_a_thousand_snapshots_costs_little() {
    let base = with_snapshots(1_000);
    let body = json!({"updates": append(1_001, Some(1_000), 1_001)}).to_string();
    let request = CommitTable::parse(body.as_bytes()).unwrap();
    let base = Base { metadata: &base, metadata_location: PREVIOUS };

    let since = Instant::now();
    for _ in 0..20 {
        let outcome = commit(base, &[], &request.updates, NOW_MS + 2_000).unwrap();
        assert!(matches!(outcome, Outcome::Changed(_)));
    }
    let each = since.elapsed() / 20;

    println!("a commit took {each:?}");
    assert!(each < Duration::from_millis(100), "a commit took {each:?}");
}
