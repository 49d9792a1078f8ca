//! Property tests: whatever is asked, a table stays one table.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::Outcome;
use super::{snapshot, table, try_commit, value};
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;

fn update() -> impl Strategy<Value = Value> {
    let id = prop_oneof![8 => 0..5_i64, 1 => any::<i64>()];
    let small = prop_oneof![8 => -1..4_i32, 1 => any::<i32>()];
    let name = prop::sample::select(vec!["main", "dev", "tag", ""]);
    let kind = prop::sample::select(vec!["branch", "tag"]);
    let column = (any::<i32>(), "[a-c.]{0,3}", prop::sample::select(vec!["int", "variant", "frob", "fixed[2]"]));
    prop_oneof![
        (id.clone(), prop::option::of(id.clone()), -1..6_i64).prop_map(
            |(id, parent, number)| json!({"action": "add-snapshot", "snapshot": snapshot_of(id, parent, number)})
        ),
        (name.clone(), kind, id.clone()).prop_map(|(name, kind, id)| {
            json!({"action": "set-snapshot-ref", "ref-name": name, "type": kind, "snapshot-id": id})
        }),
        prop::collection::vec(id.clone(), 0..4)
            .prop_map(|ids| json!({"action": "remove-snapshots", "snapshot-ids": ids})),
        name.prop_map(|name| json!({"action": "remove-snapshot-ref", "ref-name": name})),
        column.prop_map(|(id, name, kind)| {
            let field = json!({"id": id, "name": name, "required": false, "type": kind});
            json!({"action": "add-schema", "schema": {"type": "struct", "fields": [field]}})
        }),
        small.clone().prop_map(|id| json!({"action": "set-current-schema", "schema-id": id})),
        (any::<i32>(), any::<i32>()).prop_map(|(source, id)| {
            let field = json!({"source-id": source, "field-id": id, "name": "p", "transform": "void"});
            json!({"action": "add-spec", "spec": {"fields": [field]}})
        }),
        small.clone().prop_map(|id| json!({"action": "set-default-spec", "spec-id": id})),
        small.clone().prop_map(|id| json!({"action": "remove-partition-specs", "spec-ids": [id]})),
        small.clone().prop_map(|id| json!({"action": "remove-schemas", "schema-ids": [id]})),
        small.prop_map(|version| json!({"action": "upgrade-format-version", "format-version": version})),
        (".{0,8}", ".{0,8}").prop_map(|(key, text)| json!({"action": "set-properties", "updates": {key: text}})),
        id.prop_map(|id| json!({"action": "remove-statistics", "snapshot-id": id})),
    ]
}

fn snapshot_of(id: i64, parent: Option<i64>, sequence_number: i64) -> Value {
    let mut snapshot = snapshot(id.clamp(0, 9), parent, sequence_number);
    snapshot["snapshot-id"] = json!(id);
    snapshot["first-row-id"] = json!(sequence_number * 10);
    snapshot["added-rows"] = json!(10);
    snapshot
}

fn check(before: &TableMetadata, after: &TableMetadata) {
    after.check_consistency().unwrap();
    let (old, new) = (value(before), value(after));
    for grows in ["format-version", "last-sequence-number", "last-column-id", "last-partition-id", "next-row-id"] {
        assert!(old[grows].as_i64().unwrap_or(0) <= new[grows].as_i64().unwrap_or(0), "{grows} went back");
    }
    assert_eq!(old["table-uuid"], new["table-uuid"]);
    let known: HashSet<i64> = after.snapshots().map(|header| header.snapshot_id).collect();
    if let Some(last) =
        new["snapshot-log"].as_array().and_then(|log| log.last()).filter(|_| after.current_snapshot_id().is_some())
    {
        assert_eq!(last["snapshot-id"].as_i64(), after.current_snapshot_id());
    }
    assert!(after.refs().all(|(_, one)| known.contains(&one.snapshot_id)));
    // What is written is what is known: reading it again changes nothing.
    let again = TableMetadata::parse(&after.to_bytes().unwrap()).unwrap();
    assert_eq!(again.to_bytes().unwrap(), after.to_bytes().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// B5, R12: an answer is 200, 400 or 409; a refused commit leaves nothing behind, an accepted one a whole table.
    #[test]
    fn b5_random_updates_keep_the_invariants_of_a_table(
        format_version in 1..=3_i32,
        commits in prop::collection::vec(prop::collection::vec(update(), 1..6), 1..10),
    ) {
        let mut base = table(json!({"format-version": format_version.to_string()}));
        for updates in commits {
            match try_commit(&base, json!([]), json!(updates)) {
                Ok(Outcome::Changed(change)) => {
                    check(&base, &change.after);
                    base = change.after;
                }
                Ok(Outcome::Unchanged) | Err(Error::BadRequest(_) | Error::CommitFailed(_)) => {}
                Err(other) => prop_assert!(false, "neither 400 nor 409: {other:?}"),
            }
        }
    }
}
