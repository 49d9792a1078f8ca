//! Views: create, load, replace, drop.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_created_view_is_loaded,
    a_view_needs_a_representation,
    a_view_needs_no_properties,
    a_view_is_created_once,
    a_replaced_view_keeps_its_history,
    another_view_s_uuid_is_409,
    requirements_of_tables_do_not_fit_views,
    a_dropped_view_is_gone
);

async fn with_view(engine: Engine) -> (TestServer, Value) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200).json();
    (server, created)
}

const VIEW: &str = "/namespaces/ns/views/v";

async fn a_created_view_is_loaded(engine: Engine) {
    let (server, created) = with_view(engine).await;

    let loaded = server.get(VIEW).send().await.expect(200).json();

    assert_eq!(loaded["metadata"], created["metadata"]);
    assert_eq!(loaded["metadata"]["versions"][0]["representations"][0]["dialect"], "spark");
    server.head(VIEW).send().await.expect(204);
    server.get("/namespaces/ns/tables/v").send().await.expect_error(404, "NoSuchTableException");
}

async fn a_view_needs_a_representation(engine: Engine) {
    let (server, _) = with_view(engine).await;
    let mut body = bodies::create_view("w");
    body["view-version"]["representations"] = json!([]);

    server.post("/namespaces/ns/views", body).send().await.expect_error(400, "BadRequestException");
}

async fn a_view_needs_no_properties(engine: Engine) {
    let (server, _) = with_view(engine).await;
    let mut body = bodies::create_view("w");
    body.as_object_mut().expect("an object").remove("properties");

    server.post("/namespaces/ns/views", body).send().await.expect(200);
}

async fn a_view_is_created_once(engine: Engine) {
    let (server, _) = with_view(engine).await;

    let again = server.post("/namespaces/ns/views", bodies::create_view("v")).send().await;

    let message = again.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("View already exists: ns.v"), "{message}");
}

async fn a_replaced_view_keeps_its_history(engine: Engine) {
    let (server, created) = with_view(engine).await;
    let mut version = created["metadata"]["versions"][0].clone();
    version["version-id"] = json!(2);
    version["timestamp-ms"] = json!(bodies::now_ms());
    version["representations"][0]["sql"] = json!("SELECT 2");
    let updates = json!([
        { "action": "add-view-version", "view-version": version },
        { "action": "set-current-view-version", "view-version-id": -1 },
    ]);
    let requirements = json!([{ "type": "assert-view-uuid", "uuid": created["metadata"]["view-uuid"] }]);

    let replaced = server.post(VIEW, bodies::commit(requirements, updates)).send().await.expect(200).json();

    assert_eq!(replaced["metadata"]["current-version-id"], 2);
    assert_eq!(replaced["metadata"]["versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(replaced["metadata"]["version-log"].as_array().map(Vec::len), Some(2));
}

async fn another_view_s_uuid_is_409(engine: Engine) {
    let (server, _) = with_view(engine).await;
    let requirements = json!([{ "type": "assert-view-uuid", "uuid": uuid::Uuid::new_v4() }]);

    let body = bodies::commit(requirements, bodies::set_property("a", "1"));
    let answer = server.post(VIEW, body).send().await;

    answer.expect_error(409, "CommitFailedException");
}

async fn requirements_of_tables_do_not_fit_views(engine: Engine) {
    let (server, created) = with_view(engine).await;
    server.create_table("ns", "t").await;
    let of_table = json!([{ "type": "assert-table-uuid", "uuid": created["metadata"]["view-uuid"] }]);
    let of_view = json!([{ "type": "assert-view-uuid", "uuid": created["metadata"]["view-uuid"] }]);

    let view = server.post(VIEW, bodies::commit(of_table, bodies::set_property("a", "1"))).send().await;
    let table = bodies::commit(of_view, bodies::set_property("a", "1"));
    let table = server.post("/namespaces/ns/tables/t", table).send().await;

    view.expect_error(400, "BadRequestException");
    table.expect_error(400, "BadRequestException");
}

async fn a_dropped_view_is_gone(engine: Engine) {
    let (server, _) = with_view(engine).await;

    server.delete(VIEW).send().await.expect(204);

    server.get(VIEW).send().await.expect_error(404, "NoSuchViewException");
    server.delete(VIEW).send().await.expect_error(404, "NoSuchViewException");
    server.delete("/namespaces/ns").send().await.expect(204);
}
