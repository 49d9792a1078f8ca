//! `POST transactions/commit`: all tables or none.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    all_tables_change_together,
    one_failed_requirement_changes_none,
    what_is_malformed_is_400_before_anything_is_written,
    a_missing_table_changes_none
);

const COMMIT: &str = "/transactions/commit";

async fn with_tables(engine: Engine) -> TestServer {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    for name in ["a", "b"] {
        server.create_table("ns", name).await;
    }
    server
}

fn change(name: &str, requirements: Value) -> Value {
    json!({
        "identifier": bodies::identifier("ns", name),
        "requirements": requirements,
        "updates": bodies::set_property("seen", "yes"),
    })
}

async fn seen(server: &TestServer, name: &str) -> bool {
    let loaded = server.get(&format!("/namespaces/ns/tables/{name}")).send().await.expect(200).json();
    loaded["metadata"]["properties"]["seen"] == "yes"
}

async fn all_tables_change_together(engine: Engine) {
    let server = with_tables(engine).await;

    let body = json!({ "table-changes": [change("b", json!([])), change("a", json!([]))] });
    let answer = server.post(COMMIT, body).send().await.expect(204);

    assert!(answer.bytes.is_empty());
    assert!(seen(&server, "a").await && seen(&server, "b").await);
}

async fn one_failed_requirement_changes_none(engine: Engine) {
    let server = with_tables(engine).await;
    let stale = json!([{ "type": "assert-default-spec-id", "default-spec-id": 9 }]);

    let body = json!({ "table-changes": [change("a", json!([])), change("b", stale)] });
    server.post(COMMIT, body).send().await.expect_error(409, "CommitFailedException");

    assert!(!seen(&server, "a").await && !seen(&server, "b").await);
}

async fn what_is_malformed_is_400_before_anything_is_written(engine: Engine) {
    let server = with_tables(engine).await;
    let twice = json!({ "table-changes": [change("a", json!([])), change("a", json!([]))] });
    let anonymous = json!({ "table-changes": [change("a", json!([])), { "requirements": [], "updates": [] }] });
    let empty = json!({ "table-changes": [] });

    for body in [twice, anonymous, empty] {
        server.post(COMMIT, body).send().await.expect_error(400, "BadRequestException");
    }

    assert!(!seen(&server, "a").await);
}

async fn a_missing_table_changes_none(engine: Engine) {
    let server = with_tables(engine).await;

    let body = json!({ "table-changes": [change("a", json!([])), change("absent", json!([]))] });
    server.post(COMMIT, body).send().await.expect_error(404, "NoSuchTableException");

    assert!(!seen(&server, "a").await);
}
