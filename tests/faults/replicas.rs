//! Several processes over one Postgres.

use futures_util::future::join_all;
use serde_json::json;
use weir_tests::{Engine, Installation, TestServer, bodies, run_on};

const TABLE: &str = "/namespaces/ns/tables/t";

#[test]
fn r10_a_commit_through_one_replica_is_seen_through_the_other_at_once() {
    run_on(Engine::Postgres, |engine| async move {
        let server = TestServer::start(engine).await;
        server.create_namespace("ns").await;
        server.create_table("ns", "t").await;
        let (_other, catalog) = server.replica().await;
        let mut tag = catalog.get(TABLE).send().await.expect(200).header("etag").expect("a tag").to_owned();

        for number in 0..20 {
            let value = number.to_string();
            let body = bodies::commit(json!([]), bodies::set_property("n", &value));
            server.post(TABLE, body).send().await.expect(200);
            let loaded = catalog.get(TABLE).header("If-None-Match", &tag).send().await.expect(200);
            assert_eq!(loaded.json()["metadata"]["properties"]["n"], json!(value));
            tag = loaded.header("etag").expect("a tag").to_owned();
        }
    });
}

#[test]
fn r16_replicas_that_start_at_once_migrate_once() {
    run_on(Engine::Postgres, |engine| async move {
        let installation = Installation::create(engine, &[]).await;

        let replicas = join_all((0..4).map(|_| installation.start())).await;

        let mut prefixes = Vec::new();
        for replica in &replicas {
            let http = weir_tests::Http::new(&replica.url());
            let config = http.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
            prefixes.push(config["overrides"]["prefix"].to_string());
        }
        prefixes.dedup();
        assert_eq!(prefixes.len(), 1, "one first start made one warehouse: {prefixes:?}");
    });
}

#[test]
fn r13_a_key_used_through_one_replica_is_known_to_the_other() {
    run_on(Engine::Postgres, |engine| async move {
        let server = TestServer::start(engine).await;
        let (_other, catalog) = server.replica().await;
        let key = uuid::Uuid::now_v7().to_string();

        for door in [&server.catalog, &catalog] {
            let create = door.post("/namespaces", json!({ "namespace": ["a"] })).header("Idempotency-Key", &key);
            create.send().await.expect(200);
        }
    });
}
