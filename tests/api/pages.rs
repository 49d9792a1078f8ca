//! Listings in pages: stable order, bound tokens, honest ends.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    without_a_token_everything_is_answered,
    pages_hold_every_table_once,
    a_token_belongs_to_its_listing,
    a_page_size_must_be_positive,
    a_page_size_is_clamped,
    namespaces_are_paged_too
);

async fn with_tables(engine: Engine, settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(engine, settings).await;
    server.create_namespace("ns").await;
    for number in 0..5 {
        server.create_table("ns", &format!("t{number}")).await;
    }
    server
}

fn names(page: &Value) -> Vec<String> {
    let identifiers = page["identifiers"].as_array().expect("identifiers");
    identifiers.iter().filter_map(|identifier| Some(identifier["name"].as_str()?.to_owned())).collect()
}

async fn without_a_token_everything_is_answered(engine: Engine) {
    let server = with_tables(engine, &[]).await;

    let page = server.get("/namespaces/ns/tables").send().await.expect(200).json();

    assert_eq!(names(&page).len(), 5);
    assert_eq!(page["next-page-token"], Value::Null);
}

async fn pages_hold_every_table_once(engine: Engine) {
    let server = with_tables(engine, &[]).await;
    let mut found = Vec::new();
    let mut token = String::new();

    for _ in 0..10 {
        let path = format!("/namespaces/ns/tables?pageToken={token}&pageSize=2");
        let page = server.get(&path).send().await.expect(200).json();
        assert!(page.as_object().is_some_and(|page| page.contains_key("next-page-token")), "{page}");
        found.extend(names(&page));
        match page["next-page-token"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }

    assert_eq!(found, ["t0", "t1", "t2", "t3", "t4"]);
}

/// S22, B7
async fn a_token_belongs_to_its_listing(engine: Engine) {
    let server = with_tables(engine, &[]).await;
    server.create_namespace("other").await;
    let page = server.get("/namespaces/ns/tables?pageToken=&pageSize=2").send().await.expect(200).json();
    let token = page["next-page-token"].as_str().expect("there is more").to_owned();

    for path in [
        format!("/namespaces/other/tables?pageToken={token}"),
        format!("/namespaces/ns/views?pageToken={token}"),
        format!("/namespaces?pageToken={token}"),
        "/namespaces/ns/tables?pageToken=garbage".to_owned(),
        format!("/namespaces/ns/tables?pageToken={token}x"),
    ] {
        server.get(&path).send().await.expect_error(400, "BadRequestException");
    }
}

/// B7
async fn a_page_size_must_be_positive(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;

    for size in ["0", "-1", "x", "1.5"] {
        let answer = server.get(&format!("/namespaces/ns/tables?pageToken=&pageSize={size}")).send().await;
        answer.expect_error(400, "BadRequestException");
    }
    server.get("/namespaces/ns/tables?pageToken=&pageSize=9223372036854775807").send().await.expect(200);
}

async fn a_page_size_is_clamped(engine: Engine) {
    let server = with_tables(engine, &[("WEIR__CATALOG__PAGE_SIZE_MAX", "3")]).await;

    let page = server.get("/namespaces/ns/tables?pageToken=&pageSize=1000000").send().await.expect(200).json();

    assert_eq!(names(&page), ["t0", "t1", "t2"]);
    assert!(page["next-page-token"].is_string());
}

async fn namespaces_are_paged_too(engine: Engine) {
    let server = TestServer::start(engine).await;
    for name in ["a", "b", "c"] {
        server.create_namespace(name).await;
    }
    server.post("/namespaces/a/views", bodies::create_view("v")).send().await.expect(200);

    let first = server.get("/namespaces?pageToken=&pageSize=2").send().await.expect(200).json();
    let token = first["next-page-token"].as_str().expect("there is more");
    let last = server.get(&format!("/namespaces?pageToken={token}&pageSize=2")).send().await.expect(200).json();

    assert_eq!((&first["namespaces"], &last["namespaces"]), (&json!([["a"], ["b"]]), &json!([["c"]])));
    assert_eq!(last["next-page-token"], Value::Null);
}
