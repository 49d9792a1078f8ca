//! ETags: a client that has the answer already gets 304.

use serde_json::json;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    an_unchanged_table_is_304,
    a_changed_table_is_answered_again,
    a_tag_of_another_shape_does_not_match,
    odd_conditions_never_break_a_load
);

const TABLE: &str = "/namespaces/ns/tables/t";

async fn with_table(engine: Engine) -> (TestServer, String) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let tag = server.get(TABLE).send().await.expect(200).header("etag").expect("a tag").to_owned();
    (server, tag)
}

async fn an_unchanged_table_is_304(engine: Engine) {
    let (server, tag) = with_table(engine).await;

    let answer = server.get(TABLE).header("If-None-Match", &tag).send().await.expect(304);

    assert!(answer.bytes.is_empty());
    assert_eq!(answer.header("etag"), Some(tag.as_str()));
}

async fn a_changed_table_is_answered_again(engine: Engine) {
    let (server, tag) = with_table(engine).await;

    let body = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let committed = server.post(TABLE, body).send().await.expect(200);
    let loaded = server.get(TABLE).header("If-None-Match", &tag).send().await.expect(200);

    assert_ne!(loaded.header("etag"), Some(tag.as_str()));
    assert_eq!(committed.header("etag"), loaded.header("etag"));
}

/// S19
async fn a_tag_of_another_shape_does_not_match(engine: Engine) {
    let (server, tag) = with_table(engine).await;

    server.get(&format!("{TABLE}?snapshots=refs")).header("If-None-Match", &tag).send().await.expect(200);
    server.create_table("ns", "u").await;
    server.get("/namespaces/ns/tables/u").header("If-None-Match", &tag).send().await.expect(200);
}

/// B8
async fn odd_conditions_never_break_a_load(engine: Engine) {
    let (server, tag) = with_table(engine).await;

    server.get(TABLE).header("If-None-Match", &format!("\"other\", {tag}")).send().await.expect(304);
    server.get(TABLE).header("If-None-Match", "*").send().await.expect(304);
    server.get(TABLE).header("If-None-Match", "no quotes").send().await.expect(200);
    server.get(TABLE).header_bytes("If-None-Match", b"\"\xff\xfe\"").send().await.expect(200);
    server.get(TABLE).header_bytes("X-Iceberg-Access-Delegation", b"\xff").send().await.expect(400);
}
