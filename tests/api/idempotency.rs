//! `Idempotency-Key`: a repeated request is answered as the first was.

use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_repeated_create_is_answered_as_the_first,
    a_repeated_drop_is_answered_as_the_first,
    a_repeated_unregister_is_answered_as_the_first,
    a_repeated_commit_changes_the_table_once,
    a_commit_that_is_sent_twice_at_once_succeeds_twice,
    a_repeated_transaction_is_answered_as_the_first,
    a_lasting_refusal_is_repeated,
    a_refusal_in_maintenance_is_not_remembered,
    another_request_under_the_same_key_is_422,
    a_key_must_be_one_uuid,
    a_key_belongs_to_one_warehouse_s_caller
);

fn key() -> String {
    Uuid::now_v7().to_string()
}

/// R13
async fn a_repeated_create_is_answered_as_the_first(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let key = key();
    let create = || server.post("/namespaces/ns/tables", bodies::create_table("t")).header("Idempotency-Key", &key);

    let first = create().send().await.expect(200).json();
    let second = create().send().await.expect(200).json();

    assert_eq!(first["metadata"]["table-uuid"], second["metadata"]["table-uuid"]);
}

async fn a_repeated_drop_is_answered_as_the_first(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let key = key();

    for _ in 0..2 {
        let answer = server.delete("/namespaces/ns/tables/t").header("Idempotency-Key", &key).send().await;
        answer.expect(204);
    }
}

/// R13: the answer of an unregister is all that is left of the table's place.
async fn a_repeated_unregister_is_answered_as_the_first(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    let key = key();
    let unregister = || server.post("/namespaces/ns/tables/t/unregister", json!({})).header("Idempotency-Key", &key);

    let first = unregister().send().await.expect(200).json();
    let second = unregister().send().await.expect(200).json();

    assert_eq!(first["metadata"], created["metadata"]);
    assert_eq!(second, first);
}

async fn a_repeated_commit_changes_the_table_once(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    let location = created["metadata"]["location"].as_str().expect("a location");
    let body = bodies::commit(json!([]), bodies::append(location, 1, 1, None));
    let key = key();

    for _ in 0..2 {
        let commit = server.post("/namespaces/ns/tables/t", body.clone()).header("Idempotency-Key", &key);
        let answer = commit.send().await.expect(200).json();
        assert_eq!(answer["metadata"]["metadata-log"].as_array().map(Vec::len), Some(1));
        assert!(answer.get("config").is_none(), "the answer to a commit has no `config`");
    }
}

/// R13: the second finds the first at work; told that it failed, its client would delete what the first has committed.
async fn a_commit_that_is_sent_twice_at_once_succeeds_twice(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    for number in 0..10 {
        let table = format!("t{number}");
        let created = server.create_table("ns", &table).await;
        let location = created["metadata"]["location"].as_str().expect("a location");
        let absent = json!([{ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null }]);
        let body = bodies::commit(absent, bodies::append(location, 1, 1, None));
        let key = key();
        let path = format!("/namespaces/ns/tables/{table}");

        let sent = (0..4).map(|_| server.post(&path, body.clone()).header("Idempotency-Key", &key).send());

        for answer in join_all(sent).await {
            let answer = answer.expect(200).json();
            assert_eq!(answer["metadata"]["metadata-log"].as_array().map(Vec::len), Some(1), "{table}");
        }
    }
}

async fn a_repeated_transaction_is_answered_as_the_first(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let change = json!({
        "identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": bodies::set_property("a", "1"),
    });
    let key = key();

    for _ in 0..2 {
        let commit = server.post("/transactions/commit", json!({ "table-changes": [change] }));
        commit.header("Idempotency-Key", &key).send().await.expect(204);
    }
}

async fn a_lasting_refusal_is_repeated(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let key = key();
    let drop = || server.delete("/namespaces/ns/tables/t").header("Idempotency-Key", &key);

    drop().send().await.expect_error(404, "NoSuchTableException");
    server.create_table("ns", "t").await;

    drop().send().await.expect_error(404, "NoSuchTableException");
    server.head("/namespaces/ns/tables/t").send().await.expect(204);
}

async fn a_refusal_in_maintenance_is_not_remembered(engine: Engine) {
    let mut server = TestServer::start(engine).await;
    server.weir.kill();
    server.installation.set("WEIR__CATALOG__READ_ONLY", "true");
    server.restart().await;
    let key = key();
    let refused = server.delete("/namespaces/ns/tables/t").header("Idempotency-Key", &key).send().await;
    refused.expect_error(404, "NoSuchTableException");
    server.weir.kill();
    server.installation.set("WEIR__CATALOG__READ_ONLY", "false");
    server.restart().await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;

    let dropped = server.delete("/namespaces/ns/tables/t").header("Idempotency-Key", &key).send().await;

    dropped.expect(204);
}

/// R13
async fn another_request_under_the_same_key_is_422(engine: Engine) {
    let server = TestServer::start(engine).await;
    let key = key();
    let create =
        |name: &str| server.post("/namespaces", json!({ "namespace": [name] })).header("Idempotency-Key", &key);

    create("a").send().await.expect(200);
    create("b").send().await.expect_error(422, "UnprocessableEntityException");
    let elsewhere = server.delete("/namespaces/a").header("Idempotency-Key", &key).send().await;

    elsewhere.expect_error(422, "UnprocessableEntityException");
    server.head("/namespaces/a").send().await.expect(204);
}

async fn a_key_must_be_one_uuid(engine: Engine) {
    let server = TestServer::start(engine).await;
    let create = |name: &str| server.post("/namespaces", json!({ "namespace": [name] }));

    create("a").header("Idempotency-Key", "not a uuid").send().await.expect_error(400, "BadRequestException");
    let twice = create("a").header("Idempotency-Key", &key()).header("Idempotency-Key", &key());
    twice.send().await.expect_error(400, "BadRequestException");
    create("a").header("Idempotency-Key", "").send().await.expect(200);
}

/// R13: no replay into another warehouse.
async fn a_key_belongs_to_one_warehouse_s_caller(engine: Engine) {
    let server = TestServer::start(engine).await;
    let lake = server.installation.home().join("other");
    let warehouse = json!({
        "warehouse-name": "other",
        "storage-profile": { "type": "local", "root": format!("file://{}", lake.display()) },
    });
    let other = server.root.post("/management/v1/warehouse", warehouse).send().await.expect(201).json();
    let other = other["warehouse-id"].as_str().or(other["id"].as_str()).expect("an id").to_owned();
    let other = server.root.under(&format!("/catalog/v1/{other}"));
    let key = key();

    for catalog in [&server.catalog, &other] {
        let create = catalog.post("/namespaces", json!({ "namespace": ["a"] })).header("Idempotency-Key", &key);
        create.send().await.expect(200);
        catalog.head("/namespaces/a").send().await.expect(204);
    }
}
