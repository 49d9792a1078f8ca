//! Tests that what no rule touches stays as it was written.

use serde_json::{Value, json};

use super::{FOREIGN, foreign};
use crate::catalog::commit::{Base, Change, Outcome, commit};
use crate::catalog::metadata::TableMetadata;
use crate::catalog::requests::CommitTable;

fn committed(base: &TableMetadata, updates: &Value) -> Change {
    let body = json!({"updates": updates}).to_string();
    let request = CommitTable::parse(body.as_bytes()).unwrap();
    let base = Base { metadata: base, metadata_location: "s3://lake/t1/metadata/v1.metadata.json" };
    match commit(base, &[], &request.updates, 1_600_000_000_001).unwrap() {
        Outcome::Changed(change) => *change,
        Outcome::Unchanged => panic!("the commit had no effect"),
    }
}

fn text(metadata: &TableMetadata) -> String {
    String::from_utf8(metadata.to_bytes().unwrap()).unwrap()
}

/// The member's text, taken from the foreign document by hand.
fn original<'a>(start: &str, end: &str) -> &'a str {
    let from = FOREIGN.find(start).unwrap() + start.len();
    let to = FOREIGN[from..].find(end).unwrap() + from;
    &FOREIGN[from..to]
}

#[test]
fn an_unchanged_document_says_the_same_members_in_the_same_order_with_the_same_text() {
    let written = text(&foreign());

    let before: Value = serde_json::from_str(FOREIGN).unwrap();
    let after: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(after, before);
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    assert!(written.contains(original("\"schemas\": ", ",\n  \"default-spec-id\"")));
    assert!(written.contains("12345678901234567890123"));
}

#[test]
fn a_property_commit_leaves_every_other_member_byte_for_byte() {
    let change = committed(&foreign(), &json!([{"action": "set-properties", "updates": {"a": "b"}}]));

    let written = text(&change.after);
    for untouched in [
        original("\"x-writer\": ", ",\n"),
        original("\"schemas\": ", ",\n  \"default-spec-id\""),
        original("\"snapshots\": ", ",\n  \"refs\""),
        original("\"refs\": ", ",\n"),
        "\"location\":\"s3://lake/t1/\"",
    ] {
        assert!(written.contains(untouched), "{untouched} is not in {written}");
    }
    assert!(written.contains(r#""properties":{"café":"A","a":"b"}"#));
}

#[test]
fn an_append_leaves_the_other_snapshots_byte_for_byte_and_the_new_one_as_it_was_sent() {
    let snapshot = json!({"timestamp-ms": 1_600_000_000_001_i64, "snapshot-id": 30, "parent-snapshot-id": 20,
        "sequence-number": 3, "manifest-list": "s3://lake/t1/c", "x-new": 2.50, "summary": {"operation": "append"}});

    let change = committed(&foreign(), &json!([{"action": "add-snapshot", "snapshot": snapshot}]));

    let written = text(&change.after);
    assert!(written.contains(r#""manifest-list": "s3://lake/t1/a", "x": 0.10}"#));
    assert!(written.contains(r#"{"x": 1E1, "snapshot-id": 20"#));
    assert!(written.contains(&snapshot.to_string()));
    assert!(TableMetadata::parse(written.as_bytes()).is_ok());
}

#[test]
fn a_ref_that_is_not_moved_keeps_its_unknown_members() {
    let tag = json!([{"action": "set-snapshot-ref", "ref-name": "t", "type": "tag", "snapshot-id": 10}]);

    let change = committed(&foreign(), &tag);

    assert!(text(&change.after).contains(r#""main":{"type": "branch", "snapshot-id": 20, "x-owner": "me"}"#));
}

#[test]
fn refs_only_keeps_the_snapshots_that_refs_point_at() {
    let metadata = foreign();

    let bytes = metadata.refs_only_bytes().unwrap().unwrap();

    let shown: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(shown["snapshots"].as_array().unwrap().len(), 1);
    assert_eq!(shown["snapshots"][0]["snapshot-id"], 20);
    let tagged = committed(
        &metadata,
        &json!([{"action": "set-snapshot-ref", "ref-name": "t", "type": "tag", "snapshot-id": 10}]),
    );
    assert!(tagged.after.refs_only_bytes().unwrap().is_none());
}
