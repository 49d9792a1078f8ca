//! Random histories of a view, applied by the catalog's law, then by the `iceberg` crate.

use std::sync::LazyLock;

use iceberg::spec::{Schema, ViewMetadata as OracleView, ViewVersion};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;
use weir::catalog::location::Location;
use weir::catalog::view::{CommitView, CreateView, ViewMetadata, ViewOutcome, commit_view, create_view};

/// The crate reads the clock of the machine, so both laws live now.
static NOW_MS: LazyLock<i64> = LazyLock::new(|| {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
});

#[derive(Clone, Debug)]
enum Step {
    Replace { query: u8, columns: u8 },
    SetCurrent { nth: usize },
    SetProperty { key: u8, value: u8 },
    RemoveProperty { key: u8 },
    HistorySize { entries: u8 },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..8, 0u8..3).prop_map(|(query, columns)| Step::Replace { query, columns }),
        2 => (0usize..12).prop_map(|nth| Step::SetCurrent { nth }),
        1 => (0u8..3, 0u8..3).prop_map(|(key, value)| Step::SetProperty { key, value }),
        1 => (0u8..3).prop_map(|key| Step::RemoveProperty { key }),
        1 => (2u8..6).prop_map(|entries| Step::HistorySize { entries }),
    ]
}

fn schema(columns: u8) -> Value {
    let column = |at| json!({"id": at, "name": format!("c{at}"), "required": false, "type": "long"});
    let fields: Vec<Value> = (1..=columns + 1).map(column).collect();
    json!({"type": "struct", "schema-id": 0, "fields": fields})
}

fn version(query: u8) -> Value {
    json!({
        "version-id": 1, "timestamp-ms": *NOW_MS, "schema-id": -1, "summary": {"engine": "any"}, "default-namespace": ["ns"],
        "representations": [{"type": "sql", "dialect": "spark", "sql": format!("SELECT {query}")}]
    })
}

/// What the catalog makes of a step.
fn ours(view: ViewMetadata, step: &Step) -> ViewMetadata {
    let updates = match step {
        Step::Replace { query, columns } => json!([
            {"action": "add-schema", "schema": schema(*columns)},
            {"action": "add-view-version", "view-version": version(*query)},
            {"action": "set-current-view-version", "view-version-id": -1}
        ]),
        Step::SetCurrent { nth } => {
            json!([{"action": "set-current-view-version", "view-version-id": nth_version(&shown(&view), *nth)}])
        }
        Step::SetProperty { key, value } => {
            json!([{"action": "set-properties", "updates": {format!("k{key}"): format!("v{value}")}}])
        }
        Step::RemoveProperty { key } => json!([{"action": "remove-properties", "removals": [format!("k{key}")]}]),
        Step::HistorySize { entries } => {
            json!([{"action": "set-properties", "updates": {"version.history.num-entries": entries.to_string()}}])
        }
    };
    let commit = CommitView::parse(json!({ "updates": updates }).to_string().as_bytes()).unwrap();
    match commit_view(&view, &commit.requirements, &commit.updates, *NOW_MS).unwrap() {
        ViewOutcome::Unchanged => view,
        ViewOutcome::Changed(change) => change.after,
    }
}

/// What the `iceberg` crate makes of it.
fn theirs(view: OracleView, step: &Step) -> OracleView {
    let set = |key: String, value: String| [(key, value)].into_iter().collect();
    let shown = serde_json::to_value(&view).unwrap();
    let builder = view.into_builder();
    let builder = match step {
        Step::Replace { query, columns } => {
            let version: ViewVersion = serde_json::from_value(version(*query)).unwrap();
            let schema: Schema = serde_json::from_value(schema(*columns)).unwrap();
            builder.set_current_version(version, schema).unwrap()
        }
        Step::SetCurrent { nth } => builder.set_current_version_id(nth_version(&shown, *nth)).unwrap(),
        Step::SetProperty { key, value } => {
            builder.set_properties(set(format!("k{key}"), format!("v{value}"))).unwrap()
        }
        Step::RemoveProperty { key } => builder.remove_properties(&[format!("k{key}")]),
        Step::HistorySize { entries } => {
            builder.set_properties(set("version.history.num-entries".into(), entries.to_string())).unwrap()
        }
    };
    builder.build().unwrap().metadata
}

/// The id of one of the versions, the same one whatever the order in the document.
fn nth_version(view: &Value, nth: usize) -> i32 {
    let mut ids: Vec<i64> = ids(&view["versions"], "version-id");
    ids.sort_unstable();
    i32::try_from(ids[nth % ids.len()]).unwrap()
}

fn ids(list: &Value, key: &str) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|item| item[key].as_i64().unwrap()).collect()
}

fn shown(view: &ViewMetadata) -> Value {
    serde_json::from_slice(&view.to_bytes().unwrap()).unwrap()
}

/// Without the order of lists that have none, without the times at which versions were taken up again.
fn comparable(mut view: Value) -> Value {
    for (list, key) in [("versions", "version-id"), ("schemas", "schema-id")] {
        view[list].as_array_mut().unwrap().sort_by_key(|item| item[key].as_i64());
    }
    view["version-log"] = json!(ids(&view["version-log"], "version-id"));
    view
}

proptest! {
    #[test]
    fn any_history_of_a_view_is_the_same_in_both_laws(steps in proptest::collection::vec(any_step(), 1..25)) {
        let body = json!({"name": "v", "schema": schema(0), "view-version": version(0), "properties": {"k9": "v"}});
        let request = CreateView::parse(body.to_string().as_bytes()).unwrap();
        let location = Location::parse("s3://bucket/v").unwrap();
        let mut our_view = create_view(&request, &location, Uuid::from_u128(7), *NOW_MS).unwrap();
        let mut their_view: OracleView = serde_json::from_value(shown(&our_view)).unwrap();

        for step in &steps {
            our_view = ours(our_view, step);
            their_view = theirs(their_view, step);
            let (mine, oracle) = (comparable(shown(&our_view)), comparable(serde_json::to_value(&their_view).unwrap()));
            prop_assert_eq!(mine, oracle, "after {:?}", step);
        }
    }
}
