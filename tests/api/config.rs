//! `GET /v1/config`: how a client finds its warehouse.

use serde_json::json;
use weir_tests::{Engine, TestServer, on_both_engines};

on_both_engines!(
    the_only_warehouse_needs_no_name,
    a_warehouse_is_found_by_name_by_project_or_by_id,
    an_unknown_warehouse_is_404,
    every_served_endpoint_is_listed,
    an_unknown_prefix_is_404
);

async fn the_only_warehouse_needs_no_name(engine: Engine) {
    let server = TestServer::start(engine).await;

    let config = server.root.get("/catalog/v1/config").send().await.expect(200).json();

    assert_eq!(config["overrides"]["prefix"], json!(server.prefix));
}

async fn a_warehouse_is_found_by_name_by_project_or_by_id(engine: Engine) {
    let server = TestServer::start(engine).await;
    let project = "00000000-0000-0000-0000-000000000000";

    for name in ["default".to_owned(), format!("{project}/default"), server.prefix.clone()] {
        let path = format!("/catalog/v1/config?warehouse={}", name.replace('/', "%2F"));
        let config = server.root.get(&path).send().await.expect(200).json();
        assert_eq!(config["overrides"]["prefix"], json!(server.prefix), "by {name}");
    }
}

async fn an_unknown_warehouse_is_404(engine: Engine) {
    let server = TestServer::start(engine).await;

    let answer = server.root.get("/catalog/v1/config?warehouse=absent").send().await;

    let message = answer.expect_error(404, "NoSuchWarehouseException");
    assert!(message.contains("absent"), "{message}");
}

async fn every_served_endpoint_is_listed(engine: Engine) {
    let server = TestServer::start(engine).await;

    let config = server.root.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();

    let endpoints: Vec<&str> =
        config["endpoints"].as_array().expect("a list").iter().filter_map(|e| e.as_str()).collect();
    for served in [
        "GET /v1/{prefix}/namespaces",
        "HEAD /v1/{prefix}/namespaces/{namespace}",
        "POST /v1/{prefix}/namespaces/{namespace}/register",
        "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        "POST /v1/{prefix}/transactions/commit",
        "POST /v1/{prefix}/namespaces/{namespace}/views",
        "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    ] {
        assert!(endpoints.contains(&served), "{served} is missing in {endpoints:?}");
    }
    assert!(!endpoints.iter().any(|endpoint| endpoint.ends_with("/plan")), "scan planning is not built yet");
    assert!(config["idempotency-key-lifetime"].as_str().is_some_and(|lifetime| lifetime.starts_with('P')));
}

async fn an_unknown_prefix_is_404(engine: Engine) {
    let server = TestServer::start(engine).await;

    for prefix in ["not-a-warehouse", "00000000-0000-0000-0000-00000000dead"] {
        let answer = server.root.get(&format!("/catalog/v1/{prefix}/namespaces")).send().await;
        answer.expect_error(404, "NoSuchWarehouseException");
    }
}
