//! The law of views by example.

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::catalog::location::Location;
use crate::error::Error;

const UUID: Uuid = Uuid::from_u128(0x0d11_e5a0_c0de_4bad_8000_0000_0000_0001);
const NOW: i64 = 1_700_000_000_000;

fn schema(columns: &[&str]) -> Value {
    let column = |(at, name)| json!({"id": at, "name": name, "required": false, "type": "long"});
    let fields: Vec<Value> = columns.iter().enumerate().map(column).collect();
    json!({"type": "struct", "schema-id": 0, "fields": fields})
}

fn version(queries: &[(&str, &str)]) -> Value {
    let query = |(dialect, sql): &(&str, &str)| json!({"type": "sql", "dialect": dialect, "sql": sql});
    let representations: Vec<Value> = queries.iter().map(query).collect();
    json!({
        "version-id": 1, "timestamp-ms": 1_600_000_000_000_i64, "schema-id": -1, "summary": {"engine": "spark"},
        "default-namespace": ["ns"], "representations": representations
    })
}

fn create(body: Value) -> Result<ViewMetadata, Error> {
    let request = CreateView::parse(body.to_string().as_bytes())?;
    create_view(&request, &Location::parse("s3://bucket/v1")?, UUID, NOW)
}

fn view() -> ViewMetadata {
    create(json!({"name": "v", "schema": schema(&["a"]), "view-version": version(&[("spark", "select 1")])})).unwrap()
}

fn outcome(base: &ViewMetadata, updates: Value) -> Result<ViewOutcome, Error> {
    let commit = CommitView::parse(json!({"updates": updates}).to_string().as_bytes())?;
    commit_view(base, &commit.requirements, &commit.updates, NOW)
}

fn committed(base: &ViewMetadata, updates: Value) -> ViewMetadata {
    match outcome(base, updates).unwrap() {
        ViewOutcome::Changed(change) => change.after,
        ViewOutcome::Unchanged => panic!("nothing changed"),
    }
}

/// The message of the 400 that the updates get.
fn refused(base: &ViewMetadata, updates: Value) -> String {
    match outcome(base, updates) {
        Err(Error::BadRequest(message)) => message,
        other => panic!("expected 400, found {other:?}"),
    }
}

fn json_of(view: &ViewMetadata) -> Value {
    serde_json::from_slice(&view.to_bytes().unwrap()).unwrap()
}

fn replace(queries: &[(&str, &str)]) -> Value {
    json!([
        {"action": "add-schema", "schema": schema(&["a"])},
        {"action": "add-view-version", "view-version": version(queries)},
        {"action": "set-current-view-version", "view-version-id": -1}
    ])
}

#[test]
fn a_new_view_is_written_as_java_writes_it() {
    let written = String::from_utf8(view().to_bytes().unwrap()).unwrap();
    assert_eq!(
        json_of(&view()),
        json!({
            "view-uuid": UUID.to_string(), "format-version": 1, "location": "s3://bucket/v1", "properties": {},
            "schemas": [schema(&["a"])], "current-version-id": 1,
            "versions": [{
                "version-id": 1, "timestamp-ms": 1_600_000_000_000_i64, "schema-id": 0, "summary": {"engine": "spark"},
                "default-namespace": ["ns"],
                "representations": [{"type": "sql", "dialect": "spark", "sql": "select 1"}]
            }],
            "version-log": [{"timestamp-ms": 1_600_000_000_000_i64, "version-id": 1}]
        })
    );
    assert!(written.starts_with(r#"{"view-uuid":"#));
    assert_eq!(ViewMetadata::parse(written.as_bytes()).unwrap().to_bytes().unwrap(), written.as_bytes());
}

#[test]
fn row_42_properties_may_be_left_out_or_null() {
    let body =
        json!({"name": "v", "schema": schema(&["a"]), "view-version": version(&[("spark", "s")]), "properties": null});
    assert!(create(body).unwrap().properties().is_empty());
}

#[test]
fn row_41_a_view_without_a_query_is_refused() {
    for (representations, message) in [
        (json!([]), "Cannot create view without specifying a query"),
        (json!([{"type": "plan", "plan": "x"}]), "Found unsupported view representations: [plan]"),
        (json!([{"type": "sql", "dialect": "spark"}]), "missing field `sql`"),
        (json!([{"type": "sql", "sql": "x", "dialect": 7}]), "Cannot parse SQL view representation"),
        (
            json!([{"type": "sql", "sql": "x", "dialect": "Spark"}, {"type": "sql", "sql": "y", "dialect": "spark"}]),
            "Cannot add multiple queries for dialect spark",
        ),
        (json!("select 1"), "Cannot parse view version"),
    ] {
        let mut version = version(&[]);
        version["representations"] = representations;
        let body = json!({"name": "v", "schema": schema(&["a"]), "view-version": version});
        let error = create(body).unwrap_err();
        assert!(matches!(&error, Error::BadRequest(found) if found.contains(message)), "{error}");
    }
}

#[test]
fn a_replaced_view_gets_the_next_version_and_reuses_the_schema() {
    let after = json_of(&committed(&view(), replace(&[("spark", "select 2")])));
    assert_eq!(after["current-version-id"], 2);
    assert_eq!(after["versions"][1]["version-id"], 2);
    assert_eq!(after["versions"][1]["schema-id"], 0);
    assert_eq!(after["schemas"].as_array().unwrap().len(), 1);
    assert_eq!(after["version-log"][1], json!({"timestamp-ms": 1_600_000_000_000_i64, "version-id": 2}));
}

#[test]
fn a_version_that_is_there_already_keeps_its_id() {
    let second = committed(&view(), replace(&[("spark", "select 2")]));
    let back = committed(&second, replace(&[("spark", "select 1")]));
    assert_eq!(back.current_version_id(), 1);
    let log = &json_of(&back)["version-log"];
    assert_eq!(log[2], json!({"timestamp-ms": NOW, "version-id": 1}));
    assert_eq!(json_of(&back)["versions"].as_array().unwrap().len(), 2);
}

#[test]
fn another_schema_gets_the_next_id() {
    let updates = json!([
        {"action": "add-schema", "schema": schema(&["a", "b"])},
        {"action": "add-view-version", "view-version": version(&[("spark", "select 2")])},
        {"action": "set-current-view-version", "view-version-id": 2}
    ]);
    let after = json_of(&committed(&view(), updates));
    assert_eq!(after["schemas"][1]["schema-id"], 1);
    assert_eq!(after["versions"][1]["schema-id"], 1);
}

#[test]
fn row_24_a_commit_without_effect_changes_nothing() {
    for updates in [
        json!([]),
        replace(&[("spark", "select 1")]),
        json!([{"action": "set-properties", "updates": {}}, {"action": "remove-properties", "removals": ["none"]}]),
        json!([{"action": "assign-uuid", "uuid": UUID.to_string().to_uppercase()}]),
        json!([{"action": "upgrade-format-version", "format-version": 1}]),
        json!([{"action": "set-location", "location": "s3a://bucket/v1/"}]),
    ] {
        assert!(matches!(outcome(&view(), updates.clone()), Ok(ViewOutcome::Unchanged)), "{updates}");
    }
}

#[test]
fn row_23_a_wrong_update_is_named() {
    for (updates, message) in [
        (json!([{"action": "add-snapshot"}]), "updates[0]: Cannot apply update `add-snapshot` to a view"),
        (json!([{"action": "explode"}]), "updates[0]: Cannot apply update `explode` to a view"),
        (json!([{"view-version-id": 1}]), "missing field `action`"),
        (json!([{"action": "set-current-view-version"}]), "missing field `view-version-id`"),
        (json!([{"action": "set-current-view-version", "view-version-id": 7}]), "unknown version: 7"),
        (json!([{"action": "set-current-view-version", "view-version-id": -1}]), "no current version id has been set"),
        (json!([{"action": "assign-uuid", "uuid": Uuid::nil()}]), "Cannot reassign uuid"),
        (json!([{"action": "upgrade-format-version", "format-version": 0}]), "Cannot downgrade v1 view to v0"),
        (json!([{"action": "upgrade-format-version", "format-version": 2}]), "Unsupported format version: 2"),
        (json!([{"action": "set-location", "location": "s3://bucket/../x"}]), "is not a location"),
        (json!([{"action": "set-properties", "updates": {"a": 1}}]), "expected a string"),
        (
            json!([{"action": "add-view-version", "view-version": version(&[("spark", "x")])}]),
            "no schema has been added",
        ),
    ] {
        let found = refused(&view(), updates);
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn row_23_a_version_with_an_unknown_schema_is_refused() {
    let mut stray = version(&[("spark", "select 2")]);
    stray["schema-id"] = json!(9);
    let found = refused(&view(), json!([{"action": "add-view-version", "view-version": stray}]));
    assert_eq!(found, "Cannot add version with unknown schema: 9");
}

#[test]
fn a_dialect_must_not_get_lost_unless_that_is_allowed() {
    let found = refused(&view(), replace(&[("Trino", "select 2")]));
    assert_eq!(
        found,
        "Cannot replace view due to loss of view dialects (replace.drop-dialect.allowed=false):\nPrevious dialects: \
         [spark]\nNew dialects: [trino]"
    );
    let mut updates = replace(&[("trino", "select 2")]);
    let allow = json!({"action": "set-properties", "updates": {"replace.drop-dialect.allowed": "true"}});
    updates.as_array_mut().unwrap().push(allow);
    assert_eq!(committed(&view(), updates).current_version_id(), 2);
}

#[test]
fn old_versions_expire_beyond_the_limit() {
    let limit = json!([{"action": "set-properties", "updates": {"version.history.num-entries": "2"}}]);
    let mut view = committed(&view(), limit);
    for number in 2..=4 {
        view = committed(&view, replace(&[("spark", &format!("select {number}"))]));
    }
    let after = json_of(&view);
    let ids = |list: &Value| -> Vec<i64> {
        list.as_array().unwrap().iter().map(|each| each["version-id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids(&after["versions"]), [4, 3]);
    assert_eq!(ids(&after["version-log"]), [3, 4]);
    for bad in ["0", "-1", "many"] {
        let updates = json!([{"action": "set-properties", "updates": {"version.history.num-entries": bad}}]);
        assert!(refused(&view, updates).contains("must be positive"));
    }
}

#[test]
fn requirements_speak_of_views_only() {
    let mismatch = CommitView::parse(
        json!({"requirements": [{"type": "assert-view-uuid", "uuid": Uuid::nil()}], "updates": []})
            .to_string()
            .as_bytes(),
    )
    .unwrap();
    let lost = commit_view(&view(), &mismatch.requirements, &mismatch.updates, NOW).unwrap_err();
    assert!(
        matches!(&lost, Error::CommitFailed(text) if text.starts_with("Requirement failed: view UUID does not match"))
    );
    for kind in ["assert-table-uuid", "assert-create", "assert-anything"] {
        let body = json!({"requirements": [{"type": kind, "uuid": UUID}], "updates": []}).to_string();
        let error = CommitView::parse(body.as_bytes()).unwrap_err();
        assert!(
            matches!(&error, Error::BadRequest(text) if text.starts_with("requirements[0]: Cannot validate")),
            "{error}"
        );
    }
}

#[test]
fn what_is_unknown_stays_as_it_was_written() {
    let written = view().to_bytes().unwrap();
    let mut text = String::from_utf8(written).unwrap();
    text.insert_str(1, r#""x-first":[1.50,  null],"#);
    text = text.replace(r#""summary""#, r#""x-inner":{"b":1, "a":2},"summary""#);
    let base = ViewMetadata::parse(text.as_bytes()).unwrap();
    assert_eq!(base.to_bytes().unwrap(), text.as_bytes());
    let after = committed(&base, replace(&[("spark", "select 2")])).to_bytes().unwrap();
    let after = String::from_utf8(after).unwrap();
    assert!(after.starts_with(r#"{"x-first":[1.50,  null],"#), "{after}");
    assert!(after.contains(r#""x-inner":{"b":1, "a":2}"#), "{after}");
}

#[test]
fn r26_damaged_metadata_is_refused_with_its_member_named() {
    let whole = json_of(&view());
    for member in
        ["view-uuid", "format-version", "location", "schemas", "current-version-id", "versions", "version-log"]
    {
        let mut missing = whole.clone();
        missing.as_object_mut().unwrap().remove(member);
        let mut wrong = whole.clone();
        wrong[member] = json!({"not": "this"});
        for damaged in [missing, wrong] {
            let error = ViewMetadata::parse(damaged.to_string().as_bytes()).unwrap_err();
            assert!(matches!(&error, Error::BadRequest(text) if text.contains(member)), "{member}: {error}");
        }
    }
    let bytes = view().to_bytes().unwrap();
    assert!(ViewMetadata::parse(&bytes[..bytes.len() / 2]).is_err());
    assert!(ViewMetadata::parse(b"[]").is_err());
    assert!(ViewMetadata::parse(b"\xFF").is_err());
    for (member, value, message) in [
        ("current-version-id", json!(9), "Cannot find current version 9 in view versions"),
        ("schemas", json!([]), "Cannot find schema 0 of the current version 1"),
        ("format-version", json!(2), "Unsupported format version: 2"),
    ] {
        let mut inconsistent = whole.clone();
        inconsistent[member] = value;
        let error = ViewMetadata::parse(inconsistent.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

fn with_properties(properties: Value) -> ViewMetadata {
    committed(&view(), json!([{"action": "set-properties", "updates": properties}]))
}

#[test]
fn metadata_files_count_up_inside_the_view() {
    let id = Uuid::nil();
    let place = |view: &ViewMetadata, previous| metadata_file(view, previous, id).unwrap().to_string();
    assert_eq!(place(&view(), None), format!("s3://bucket/v1/metadata/00000-{id}.metadata.json"));
    assert_eq!(
        place(&view(), Some("s3://bucket/v1/metadata/00041-x.gz.metadata.json")),
        format!("s3://bucket/v1/metadata/00042-{id}.metadata.json")
    );
    assert_eq!(
        place(&view(), Some("s3://b/foreign.json")),
        format!("s3://bucket/v1/metadata/00000-{id}.metadata.json")
    );
    let elsewhere = with_properties(json!({"write.metadata.path": "s3a://bucket/v1/meta/"}));
    assert_eq!(place(&elsewhere, None), format!("s3://bucket/v1/meta/00000-{id}.metadata.json"));
    let packed = with_properties(json!({"write.metadata.compression-codec": "GZIP"}));
    assert!(place(&packed, None).ends_with(".gz.metadata.json"));
}

#[test]
fn s11_a_metadata_path_outside_the_view_is_refused() {
    for path in ["s3://bucket/v10", "s3://bucket", "s3://other/v1/x", "file:///v1", "s3://bucket/v1/../v2", "metadata"]
    {
        let view = with_properties(json!({"write.metadata.path": path}));
        assert!(matches!(metadata_file(&view, None, Uuid::nil()), Err(Error::BadRequest(_))), "{path}");
    }
    let view = with_properties(json!({"write.metadata.compression-codec": "zstd"}));
    assert!(metadata_file(&view, None, Uuid::nil()).is_err());
}

proptest! {
    #[test]
    fn any_run_of_replacements_keeps_the_law(runs in proptest::collection::vec((0u8..5, 0u8..3, 1usize..4), 1..20)) {
        let mut view = with_properties(json!({"version.history.num-entries": "3"}));
        for (query, columns, _) in runs {
            let columns: Vec<String> = (0..=columns).map(|at| format!("c{at}")).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let mut updates = replace(&[("spark", &format!("select {query}"))]);
            updates[0]["schema"] = schema(&columns);
            if let ViewOutcome::Changed(change) = outcome(&view, updates).unwrap() {
                view = change.after;
            }
            let written = view.to_bytes().unwrap();
            let read = ViewMetadata::parse(&written).unwrap();
            prop_assert_eq!(read.to_bytes().unwrap(), written);
            prop_assert!(read.versions.len() <= 3);
            let mut ids: Vec<i32> = read.versions.iter().map(|each| each.header.version_id).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), read.versions.len());
            prop_assert_eq!(read.log.last().map(|each| each.header.version_id), Some(read.current_version_id()));
            prop_assert!(read.log.iter().all(|each| ids.contains(&each.header.version_id)));
            let known: Vec<i32> = read.schemas.iter().map(|each| each.header.schema_id).collect();
            prop_assert!(read.versions.iter().all(|each| known.contains(&each.header.schema_id)));
        }
    }
}
