//! Listings: filtered before pages are cut, exactly as single questions would decide.

use serde_json::{Value, json};
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    s22_pages_are_filled_with_what_may_be_seen,
    t55_a_listing_shows_exactly_what_can_be_loaded,
    t57_a_plan_that_was_cut_hides_nothing,
    plans_of_a_chain_intersect,
    a_listing_that_cannot_be_decided_is_503,
    s22_a_search_finds_what_may_be_seen_among_much_that_may_not,
    namespaces_are_filtered_too
);

const TABLES: [&str; 8] = ["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"];
const LISTING: &str = "/namespaces/ns/tables";

async fn with_tables(engine: Engine) -> Governed {
    let weir = Governed::open(engine).await;
    weir.create_namespace("ns").await;
    for name in TABLES {
        weir.create_table("ns", name).await;
    }
    weir
}

/// What single loads answer, asked one by one.
async fn loadable(weir: &Governed) -> Vec<String> {
    let mut loadable = Vec::new();
    for name in TABLES {
        if weir.catalog.head(&format!("{LISTING}/{name}")).send().await.status == 204 {
            loadable.push(name.to_owned());
        }
    }
    loadable
}

fn without(names: &[&str]) -> Value {
    json!({"rules": names.iter().map(|name| json!({"effect": "deny", "name": name})).collect::<Vec<_>>()})
}

async fn s22_pages_are_filled_with_what_may_be_seen(engine: Engine) {
    let weir = with_tables(engine).await;
    weir.govern(vec![Plugin::guest(without(&["a2", "b*", "c1"]))]).await;

    for page_size in 1..=5 {
        assert_eq!(weir.names(LISTING, page_size).await, ["a1", "c2", "d1", "d2"], "pages of {page_size}");
    }
}

async fn t55_a_listing_shows_exactly_what_can_be_loaded(engine: Engine) {
    let weir = with_tables(engine).await;
    for plugins in [
        vec![Plugin::guest(without(&["a1", "d*"]))],
        vec![Plugin::guest(json!({"answer": "abstain", "rules": [{"effect": "allow", "name": "b*"},
            {"effect": "allow", "kind": "namespace"}, {"effect": "allow", "kind": "warehouse"}]}))],
        vec![Plugin::guest(without(&["a1"])), Plugin::guest(without(&["d2"]))],
        vec![Plugin::guest(json!({"answer": "abstain"})), Plugin::guest(without(&["c*"]))],
    ] {
        weir.govern(plugins).await;
        let single = loadable(&weir).await;
        assert_eq!(weir.names(LISTING, 3).await, single);
    }
}

async fn t57_a_plan_that_was_cut_hides_nothing(engine: Engine) {
    let weir = with_tables(engine).await;
    let listed = weir.catalog.get(&format!("{LISTING}?returnUuids=true")).send().await.expect(200).json();
    let some = json!([listed["table-uuids"][0], listed["table-uuids"][1]]);
    weir.govern(vec![Plugin::planner(json!({"plan": "ids", "names": some}))]).await;
    assert_eq!(weir.names(LISTING, 3).await, ["a1", "a2"]);

    let cut = json!({"plan": "ids-truncated", "names": some, "rules": [{"effect": "deny", "name": "d*"}]});
    weir.govern(vec![Plugin::planner(cut)]).await;

    assert_eq!(weir.names(LISTING, 3).await, ["a1", "a2", "b1", "b2", "c1", "c2"]);
}

async fn plans_of_a_chain_intersect(engine: Engine) {
    let weir = with_tables(engine).await;
    let prefixes = |names: Value| Plugin::planner(json!({"plan": "name-prefixes", "names": names}));

    weir.govern(vec![prefixes(json!(["a", "b"])), prefixes(json!(["b", "c"]))]).await;
    assert_eq!(weir.names(LISTING, 2).await, ["b1", "b2"]);

    weir.govern(vec![prefixes(json!(["a", "b"])), Plugin::planner(json!({"plan": "nothing"}))]).await;
    assert!(weir.names(LISTING, 2).await.is_empty());
}

async fn a_listing_that_cannot_be_decided_is_503(engine: Engine) {
    let weir = with_tables(engine).await;
    weir.govern(vec![Plugin::guest(json!({"behaviour": "unavailable", "at": "authorize-many", "count": 3_000}))]).await;

    let answer = weir.catalog.get(LISTING).send().await;

    answer.expect_error(503, "ServiceUnavailableException");
}

async fn namespaces_are_filtered_too(engine: Engine) {
    let weir = Governed::open(engine).await;
    for name in ["a", "b", "c", "d"] {
        weir.create_namespace(name).await;
    }
    weir.govern(vec![Plugin::guest(without(&["a", "c"]))]).await;

    let listed = weir.catalog.get("/namespaces").send().await.expect(200).json();

    assert_eq!(listed["namespaces"], json!([["b"], ["d"]]));
}

async fn s22_a_search_finds_what_may_be_seen_among_much_that_may_not(engine: Engine) {
    let weir = Governed::open(engine).await;
    weir.create_namespace("ns").await;
    // What is hidden has the shorter names, so it comes first.
    let hidden = (0..45).map(|number| format!("hidden-{number:02}"));
    let seen = (0..12).map(|number| format!("seen-among-the-hidden-{number:02}"));
    for name in hidden.chain(seen) {
        weir.create_table("ns", &name).await;
        weir.management.post("/role", json!({ "name": name })).send().await.expect(201);
    }
    weir.govern(vec![Plugin::guest(without(&["hidden-*"]))]).await;

    let search = json!({"search": "hidden"});
    let path = format!("/warehouse/{}/search-tabular", weir.prefix);
    let tables = weir.management.post(&path, search.clone()).send().await.expect(200).json();
    let roles = weir.management.post("/search/role", search).send().await.expect(200).json();

    let names = |found: &Value, key: &str| -> Vec<String> {
        found.as_array().expect("a list").iter().map(|one| one[key].as_str().expect("a name").to_owned()).collect()
    };
    let first_ten: Vec<String> = (0..10).map(|number| format!("seen-among-the-hidden-{number:02}")).collect();
    assert_eq!(names(&tables["tabulars"], "tabular-name"), first_ten);
    assert_eq!(names(&roles["roles"], "name"), first_ten);
}
