//! Random commits to tables, by Weir's law beside the `iceberg` crate.

mod oracle;
mod updates;

use std::time::SystemTime;

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;
use weir::catalog::commit::{Base, Outcome, commit};
use weir::catalog::create::create;
use weir::catalog::location::Location;
use weir::catalog::metadata::TableMetadata;
use weir::catalog::requests::{CommitTable, CreateTable};

use updates::Update;

const LOCATION: &str = "s3://lake/t1";

/// A table made now: the crate asks the machine's clock itself, so that the times of both must be near.
pub fn created(format_version: i32) -> TableMetadata {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now_ms = i64::try_from(since.as_millis()).unwrap();
    let body = json!({
        "name": "t1",
        "schema": {"type": "struct", "schema-id": 0, "fields": updates::columns(0)},
        "properties": {"format-version": format_version.to_string()},
    });
    let request = CreateTable::parse(body.to_string().as_bytes()).unwrap();
    create(&request, &Location::parse(LOCATION).unwrap(), Uuid::from_u128(7), 2, now_ms).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every commit that one accepts the other accepts, with the same table as the result; R12, B5.
    #[test]
    fn random_commits_come_out_as_the_iceberg_crate_has_them(
        // The crate writes no refs in v1.
        format_version in 2..=3,
        commits in prop::collection::vec(prop::collection::vec(updates::update(), 1..6), 1..8),
    ) {
        let mut base = created(format_version);
        for (number, updates) in commits.iter().enumerate() {
            let location = format!("{LOCATION}/metadata/{number:05}-x.metadata.json");
            let updates = updates::sent(&base, updates);
            let body = json!({"requirements": [], "updates": updates}).to_string();
            let request = CommitTable::parse(body.as_bytes()).unwrap();
            let base_of_commit = Base { metadata: &base, metadata_location: &location };
            let ours = commit(base_of_commit, &request.requirements, &request.updates, base.last_updated_ms());
            let theirs = oracle::commit(&base.to_bytes().unwrap(), &location, &updates);
            match (ours, theirs) {
                (Ok(Outcome::Changed(change)), Ok(Some(theirs))) => {
                    let ours: Value = serde_json::from_slice(&change.after.to_bytes().unwrap()).unwrap();
                    prop_assert_eq!(oracle::normal(ours), oracle::normal(theirs), "after {}", body);
                    base = change.after;
                }
                // Both keep the base. The crate counts adding what is there as a change, Java does not.
                (Ok(Outcome::Unchanged), Ok(_)) | (Err(_), Err(_)) => {}
                // Java lets the current snapshot go, and main with it.
                (Ok(Outcome::Changed(change)), Err(theirs)) if theirs.contains("latest entry is not the current") => {
                    prop_assert_eq!(change.after.current_snapshot_id(), None);
                    base = change.after;
                }
                (ours, theirs) => prop_assert!(false, "ours {ours:?}\ntheirs {theirs:?}\nafter {body}"),
            }
        }
    }
}

/// Every kind of update is drawn and can be read.
#[test]
fn the_generator_writes_updates_that_parse() {
    let base = created(3);
    for update in Update::samples() {
        let body = json!({"updates": updates::sent(&base, &[update])}).to_string();
        CommitTable::parse(body.as_bytes()).unwrap();
    }
}
