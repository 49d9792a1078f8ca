//! Tests of properties, of the metadata log they bound.

use serde_json::{Value, json};

use super::{PREVIOUS, append, change, refused, table, value};

fn set(properties: Value) -> Value {
    json!([{"action": "set-properties", "updates": properties}])
}

#[test]
fn changed_keys_are_told_sorted() {
    let base = table(json!({"a": "1", "b": "2", "c": "3"}));

    let change = change(
        &base,
        json!([
            {"action": "set-properties", "updates": {"z": "0", "a": "1", "b": "9"}},
            {"action": "remove-properties", "removals": ["c", "nothing"]},
        ]),
    );

    assert_eq!(change.properties_changed, ["b", "c", "z"]);
    assert_eq!(change.after.property("c"), None);
}

#[test]
fn a_property_removed_and_set_again_in_one_commit_is_there() {
    let base = table(json!({"a": "1"}));

    let after = change(
        &base,
        json!([
            {"action": "remove-properties", "removals": ["a"]},
            {"action": "set-properties", "updates": {"a": "2"}},
        ]),
    );

    assert_eq!(after.after.property("a"), Some("2"));
}

#[test]
fn reserved_properties_are_never_stored() {
    let created = table(json!({"format-version": "2", "uuid": "x", "current-schema": "y", "mine": "z"}));
    assert_eq!(created.properties().keys().collect::<Vec<_>>(), ["write.parquet.compression-codec", "mine"]);

    let message = refused(&created, set(json!({"format-version": "3"})));

    assert!(message.contains("should not contain reserved properties, but got [\"format-version\"]"), "{message}");
}

#[test]
fn the_encryption_key_of_a_table_never_changes_or_goes() {
    let encrypted = table(json!({"encryption.key-id": "k1"}));
    let plain = change(&table(json!({})), json!(append(1, None, 1))).after;

    let other = refused(&encrypted, set(json!({"encryption.key-id": "k2"})));
    let removed = refused(&encrypted, json!([{"action": "remove-properties", "removals": ["encryption.key-id"]}]));
    let late = refused(&plain, set(json!({"encryption.key-id": "k1"})));
    change(&encrypted, set(json!({"encryption.key-id": "k1", "a": "b"})));
    change(&table(json!({})), set(json!({"encryption.key-id": "k1"})));

    assert!(other.ends_with("found k1, asked for k2"), "{other}");
    assert!(removed.ends_with("found k1, asked for none"), "{removed}");
    assert!(late.ends_with("found none, asked for k1"), "{late}");
}

#[test]
fn numbers_that_would_fail_every_later_commit_are_refused() {
    let base = table(json!({}));
    let cases = [
        (json!({"commit.retry.num-retries": "x"}), "commit.retry.num-retries must have integer value"),
        (json!({"commit.retry.min-wait-ms": "-1"}), "commit.retry.min-wait-ms must have non negative integer value"),
        (json!({"write.metadata.previous-versions-max": "many"}), "previous-versions-max must have integer value"),
        (json!({"write.metadata.compression-codec": "zstd"}), "Invalid codec name: zstd"),
    ];
    for (properties, expected) in cases {
        let message = refused(&base, set(properties));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_metadata_log_is_trimmed_to_what_the_properties_say_and_tells_what_fell_out() {
    let mut base = table(json!({"write.metadata.previous-versions-max": "2"}));
    for number in 0..3 {
        base = change(&base, set(json!({"n": number.to_string()}))).after;
    }
    let mut document = value(&base);
    document["metadata-log"][0]["metadata-file"] = json!("s3://lake/t1/metadata/oldest.metadata.json");
    let base = crate::catalog::metadata::TableMetadata::parse(document.to_string().as_bytes()).unwrap();

    let change = change(&base, set(json!({"n": "last"})));

    let files: Vec<&str> = change.after.metadata_log().map(|entry| entry.metadata_file.as_str()).collect();
    assert_eq!(files, [PREVIOUS, PREVIOUS]);
    assert_eq!(change.log_removed, ["s3://lake/t1/metadata/oldest.metadata.json"]);
}

#[test]
fn at_least_one_previous_file_is_kept_in_the_log() {
    let base = table(json!({"write.metadata.previous-versions-max": "-5"}));

    let once = change(&base, set(json!({"n": "1"}))).after;
    let twice = change(&once, set(json!({"n": "2"}))).after;

    assert_eq!(twice.metadata_log().count(), 1);
}
