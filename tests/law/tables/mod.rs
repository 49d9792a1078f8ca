//! Random commits to tables, by Weir's law beside the `iceberg` crate.

mod java;
mod oracle;
mod updates;

use std::cell::RefCell;
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use uuid::Uuid;
use weir::catalog::commit::{Base, Outcome, commit};
use weir::catalog::create::create;
use weir::catalog::location::Location;
use weir::catalog::metadata::TableMetadata;
use weir::catalog::requests::{CommitTable, CreateTable};
use weir::error::Error;
use weir_tests::tools::is_full_lane;

use java::{Java, Verdict};
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
                (Ok(Outcome::Changed(change)), Ok(Some(mut theirs))) => {
                    let mut ours: Value = serde_json::from_slice(&change.after.to_bytes().unwrap()).unwrap();
                    if comes_back(&updates) {
                        oracle::forget_what_goes_with_a_snapshot(&mut ours);
                        oracle::forget_what_goes_with_a_snapshot(&mut theirs);
                    }
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

/// Whether a snapshot is removed, then added anew.
fn comes_back(updates: &[Value]) -> bool {
    let mut removed = Vec::new();
    updates.iter().any(|update| {
        removed.extend(update["snapshot-ids"].as_array().into_iter().flatten());
        update["action"] == "add-snapshot" && removed.contains(&&update["snapshot"]["snapshot-id"])
    })
}

/// The same beside the Java library itself, v1 included; what it refuses with which status, too.
#[test]
fn random_commits_come_out_as_java_has_them() {
    // The library comes from Maven, so this belongs to the full lane.
    if !is_full_lane() {
        eprintln!("skipped: Maven fetches Iceberg's Java library, `make test-full` runs it");
        return;
    }
    let java = RefCell::new(Java::start());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let commits = prop::collection::vec(prop::collection::vec(updates::update(), 1..6), 1..8);
    let result = TestRunner::new(config).run(&(1..=3, commits), |(format_version, commits)| {
        let mut base = created(format_version);
        for (number, updates) in commits.iter().enumerate() {
            let location = format!("{LOCATION}/metadata/{number:05}-x.metadata.json");
            let updates = updates::sent(&base, updates);
            let theirs = java.borrow_mut().commit(&base.to_bytes().unwrap(), &location, &updates);
            base = against_java(base, &location, &updates, theirs)?;
        }
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

/// The table after the commit, if both agree on it.
fn against_java(
    base: TableMetadata,
    location: &str,
    updates: &[Value],
    theirs: Verdict,
) -> Result<TableMetadata, TestCaseError> {
    let body = json!({"requirements": [], "updates": updates}).to_string();
    let request = CommitTable::parse(body.as_bytes()).unwrap();
    let base_of_commit = Base { metadata: &base, metadata_location: location };
    let ours = commit(base_of_commit, &request.requirements, &request.updates, base.last_updated_ms());
    match (ours, theirs) {
        (Ok(Outcome::Changed(change)), Verdict::Changed(theirs)) => {
            let mut ours: Value = serde_json::from_slice(&change.after.to_bytes().unwrap()).unwrap();
            forget_what_java_loses(updates, &mut ours, &theirs);
            prop_assert_eq!(oracle::normal(ours), oracle::normal(theirs), "after {}", body);
            Ok(change.after)
        }
        (Ok(Outcome::Unchanged), Verdict::Unchanged) => Ok(base),
        // Java counts the removal of schemas and specs that are not there as a change.
        (Ok(Outcome::Unchanged), Verdict::Changed(mut theirs)) => {
            let mut ours: Value = serde_json::from_slice(&base.to_bytes().unwrap()).unwrap();
            ours["metadata-log"] = Value::Null;
            theirs["metadata-log"] = Value::Null;
            prop_assert_eq!(oracle::normal(ours), oracle::normal(theirs), "after {}", body);
            Ok(base)
        }
        // What is there already counts as added last here, so that a client that sends it again can name it.
        (_, Verdict::Refused { message }) if message.starts_with("Cannot set last added") => Ok(base),
        // Java counts the snapshots that are left before it knows which of the named ones exist.
        (_, Verdict::Refused { message }) if message.starts_with("arraySize cannot be negative") => Ok(base),
        // Java finds a null pointer where what is to be the current one has just been removed.
        (Err(Error::BadRequest(_)), Verdict::Refused { message }) if message.starts_with("Cannot invoke") => Ok(base),
        // Java's class says whether to retry only since 1.11.
        (Err(Error::CommitFailed(ours)), Verdict::Refused { message }) => {
            prop_assert_eq!(ours, message);
            Ok(base)
        }
        // Java looks for the defaults only in the end: it takes one that is added later, or finds a null pointer.
        (Err(Error::BadRequest(ours)), _) if ours.contains("to unknown spec") => Ok(base),
        (Err(Error::BadRequest(ours)), _) if ours.contains("to unknown order") => Ok(base),
        (Err(Error::BadRequest(ours)), Verdict::Refused { message }) => {
            prop_assert!(ours.ends_with(&message), "ours {}\njava {}\nafter {}", ours, message, body);
            Ok(base)
        }
        (ours, theirs) => {
            let ours = ours.map(|outcome| matches!(outcome, Outcome::Changed(_)));
            Err(TestCaseError::fail(format!("ours {ours:?}\njava {theirs:?}\nafter {body}")))
        }
    }
}

/// Java still takes a schema or spec for present that the same commit has removed, so adding it again changes nothing there.
/// What it has after such a commit must be here, too; what is here beyond that is left out of the comparison.
fn forget_what_java_loses(updates: &[Value], ours: &mut Value, theirs: &Value) {
    for (removal, addition, list) in
        [("remove-schemas", "add-schema", "schemas"), ("remove-partition-specs", "add-spec", "partition-specs")]
    {
        let at = |action: &str| updates.iter().position(|update| update["action"] == action);
        let added_after = |removed: usize| updates[removed..].iter().any(|update| update["action"] == addition);
        if at(removal).is_some_and(added_after)
            && let (Some(ours), Some(theirs)) = (ours[list].as_array_mut(), theirs[list].as_array())
        {
            ours.retain(|one| theirs.contains(one));
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
