//! Staged creates: nothing exists until the commit that asserts so.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_staged_table_is_not_there_yet,
    a_commit_that_asserts_create_makes_the_table,
    a_spec_may_come_before_its_schema_is_current,
    a_second_create_transaction_loses,
    assert_create_stands_alone,
    a_create_transaction_onto_a_view_is_409
);

async fn stage(server: &TestServer, name: &str) -> Value {
    let mut body = bodies::create_table(name);
    body["stage-create"] = json!(true);
    server.post("/namespaces/ns/tables", body).send().await.expect(200).json()
}

/// What Java's client sends to make a staged table real.
fn commit(staged: &Value) -> Value {
    let metadata = &staged["metadata"];
    bodies::commit(
        json!([{ "type": "assert-create" }]),
        json!([
            { "action": "assign-uuid", "uuid": metadata["table-uuid"] },
            { "action": "upgrade-format-version", "format-version": metadata["format-version"] },
            { "action": "add-schema", "schema": metadata["schemas"][0], "last-column-id": 2 },
            { "action": "set-current-schema", "schema-id": -1 },
            { "action": "add-spec", "spec": { "spec-id": 0, "fields": [] } },
            { "action": "set-default-spec", "spec-id": -1 },
            { "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } },
            { "action": "set-default-sort-order", "sort-order-id": -1 },
            { "action": "set-location", "location": metadata["location"] },
            { "action": "set-properties", "updates": { "owner": "ada" } },
        ]),
    )
}

async fn server(engine: Engine) -> TestServer {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server
}

async fn a_staged_table_is_not_there_yet(engine: Engine) {
    let server = server(engine).await;

    let staged = stage(&server, "t").await;

    assert_eq!(staged["metadata-location"], Value::Null);
    server.head("/namespaces/ns/tables/t").send().await.expect(404);
    server.create_table("ns", "t").await;
}

async fn a_commit_that_asserts_create_makes_the_table(engine: Engine) {
    let server = server(engine).await;
    let staged = stage(&server, "t").await;

    let created = server.post("/namespaces/ns/tables/t", commit(&staged)).send().await.expect(200).json();

    assert_eq!(created["metadata"]["table-uuid"], staged["metadata"]["table-uuid"]);
    assert_eq!(created["metadata"]["location"], staged["metadata"]["location"]);
    assert_eq!(created["metadata"]["properties"]["owner"], "ada");
    let loaded = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    assert_eq!(loaded["metadata"], created["metadata"]);
}

/// The order in which DuckDB sends a create.
async fn a_spec_may_come_before_its_schema_is_current(engine: Engine) {
    let server = server(engine).await;
    let mut body = commit(&stage(&server, "t").await);
    let updates = body["updates"].as_array_mut().expect("updates");
    updates[4]["spec"]["fields"] = json!([{ "source-id": 1, "field-id": 1000, "name": "id", "transform": "identity" }]);
    let set_current_schema = updates.remove(3);
    updates.push(set_current_schema);

    let created = server.post("/namespaces/ns/tables/t", body).send().await.expect(200).json();

    assert_eq!(created["metadata"]["partition-specs"][0]["fields"][0]["name"], "id");
}

async fn a_second_create_transaction_loses(engine: Engine) {
    let server = server(engine).await;
    let (first, second) = (stage(&server, "t").await, stage(&server, "t").await);
    server.post("/namespaces/ns/tables/t", commit(&first)).send().await.expect(200);

    let lost = server.post("/namespaces/ns/tables/t", commit(&second)).send().await;

    let message = lost.expect_error(409, "CommitFailedException");
    assert!(message.contains("Requirement failed: table already exists"), "{message}");
}

async fn assert_create_stands_alone(engine: Engine) {
    let server = server(engine).await;
    let mut body = commit(&stage(&server, "t").await);
    body["requirements"] =
        json!([{ "type": "assert-create" }, { "type": "assert-default-spec-id", "default-spec-id": 0 }]);

    let message = server.post("/namespaces/ns/tables/t", body).send().await.expect_error(400, "BadRequestException");

    assert!(message.contains("Invalid create requirements"), "{message}");
}

async fn a_create_transaction_onto_a_view_is_409(engine: Engine) {
    let server = server(engine).await;
    let staged = stage(&server, "v").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);

    let message = server.post("/namespaces/ns/tables/v", commit(&staged)).send().await;

    let message = message.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("View with same name already exists: ns.v"), "{message}");
}
