//! Tables: create, load, list, drop.

use serde_json::json;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    b8_a_header_that_is_refused_makes_no_table,
    a_created_table_is_loaded_as_it_was_answered,
    a_created_table_has_fresh_ids,
    a_table_is_created_once,
    a_name_belongs_to_a_table_or_a_view,
    a_table_needs_its_namespace,
    a_missing_table_is_404_of_its_own_kind,
    tables_are_listed_without_views,
    a_dropped_table_keeps_its_files,
    a_purge_of_a_table_without_gc_is_refused,
    a_table_without_credentials_offers_none,
    only_snapshots_of_refs_are_answered_on_request,
    a_schema_of_version_three_needs_version_three,
    a_report_of_metrics_is_accepted
);

async fn a_created_table_is_loaded_as_it_was_answered(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;

    let created = server.create_table("ns", "t").await;
    let loaded = server.get("/namespaces/ns/tables/t").send().await.expect(200).json();

    assert_eq!(created["metadata"], loaded["metadata"]);
    assert_eq!(created["metadata-location"], loaded["metadata-location"]);
    let location = loaded["metadata-location"].as_str().expect("a location");
    let file = location.strip_prefix("file://").expect("a local file");
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file).expect("the file is there")).expect("JSON");
    assert_eq!(written, loaded["metadata"]);
    assert!(file.rsplit('/').next().is_some_and(|name| name.starts_with("00000-")), "{file}");
    server.head("/namespaces/ns/tables/t").send().await.expect(204);
}

async fn a_created_table_has_fresh_ids(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let body = json!({
        "name": "t",
        "schema": { "type": "struct", "schema-id": 7, "fields": [
            { "id": 40, "name": "at", "required": true, "type": "timestamp" },
            { "id": 30, "name": "city", "required": false, "type": "string" },
        ] },
        "partition-spec": { "spec-id": 5, "fields": [{ "source-id": 40, "name": "day", "transform": "day" }] },
        "write-order": { "order-id": 9, "fields": [
            { "source-id": 30, "transform": "identity", "direction": "asc", "null-order": "nulls-first" },
        ] },
        "properties": { "format-version": "2", "owner": "ada" },
    });

    let metadata = server.post("/namespaces/ns/tables", body).send().await.expect(200).json()["metadata"].clone();

    assert_eq!(metadata["format-version"], 2);
    assert_eq!(metadata["current-schema-id"], 0);
    assert_eq!(metadata["schemas"][0]["fields"][1]["id"], 2);
    assert_eq!(metadata["default-spec-id"], 0);
    assert_eq!(metadata["partition-specs"][0]["fields"][0]["source-id"], 1);
    assert_eq!(metadata["partition-specs"][0]["fields"][0]["field-id"], 1000);
    assert_eq!(metadata["default-sort-order-id"], 1);
    assert_eq!(metadata["sort-orders"][0]["fields"][0]["source-id"], 2);
    assert_eq!(metadata["properties"]["owner"], "ada");
    assert!(metadata["properties"].get("format-version").is_none(), "a reserved property is not kept");
}

async fn a_table_is_created_once(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;

    let again = server.post("/namespaces/ns/tables", bodies::create_table("t")).send().await;

    let message = again.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Table already exists: ns.t"), "{message}");
}

async fn a_name_belongs_to_a_table_or_a_view(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);

    let table = server.post("/namespaces/ns/tables", bodies::create_table("v")).send().await;
    let view = server.post("/namespaces/ns/views", bodies::create_view("t")).send().await;

    let message = table.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("View with same name already exists: ns.v"), "{message}");
    let message = view.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Table with same name already exists: ns.t"), "{message}");
}

async fn a_table_needs_its_namespace(engine: Engine) {
    let server = TestServer::start(engine).await;

    let answer = server.post("/namespaces/absent/tables", bodies::create_table("t")).send().await;

    let message = answer.expect_error(404, "NoSuchNamespaceException");
    assert!(message.contains("Namespace does not exist: absent"), "{message}");
}

async fn a_missing_table_is_404_of_its_own_kind(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;

    for path in ["/namespaces/ns/tables/absent", "/namespaces/absent/tables/t", "/namespaces/ns%1Ft/tables/files"] {
        let message = server.get(path).send().await.expect_error(404, "NoSuchTableException");
        assert!(message.contains("Table does not exist: "), "{message}");
        server.head(path).send().await.expect(404);
    }
    server.delete("/namespaces/ns/tables/absent").send().await.expect_error(404, "NoSuchTableException");
    server.get("/namespaces/ns/views/t").send().await.expect_error(404, "NoSuchViewException");
}

async fn tables_are_listed_without_views(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "b").await;
    server.create_table("ns", "a").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);

    let tables = server.get("/namespaces/ns/tables").send().await.expect(200).json();
    let views = server.get("/namespaces/ns/views").send().await.expect(200).json();

    assert_eq!(tables["identifiers"], json!([bodies::identifier("ns", "a"), bodies::identifier("ns", "b")]));
    assert_eq!(views["identifiers"], json!([bodies::identifier("ns", "v")]));
}

async fn a_dropped_table_keeps_its_files(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    let file = created["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();

    server.delete("/namespaces/ns/tables/t?purgeRequested=false").send().await.expect(204);

    server.get("/namespaces/ns/tables/t").send().await.expect_error(404, "NoSuchTableException");
    assert!(std::path::Path::new(&file).exists(), "{file} was deleted");
}

async fn a_purge_of_a_table_without_gc_is_refused(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let mut body = bodies::create_table("t");
    body["properties"] = json!({ "gc.enabled": "false" });
    server.post("/namespaces/ns/tables", body).send().await.expect(200);

    let answer = server.delete("/namespaces/ns/tables/t?purgeRequested=true").send().await;

    answer.expect_error(400, "BadRequestException");
    server.head("/namespaces/ns/tables/t").send().await.expect(204);
}

async fn a_table_without_credentials_offers_none(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;

    let loaded = server.get("/namespaces/ns/tables/t").header("X-Iceberg-Access-Delegation", "vended-credentials");
    let loaded = loaded.send().await.expect(200).json();
    let credentials = server.get("/namespaces/ns/tables/t/credentials").send().await.expect(200).json();

    assert!(loaded.get("storage-credentials").is_none(), "{loaded}");
    assert_eq!(credentials["storage-credentials"], json!([]));
}

async fn only_snapshots_of_refs_are_answered_on_request(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    let location = created["metadata"]["location"].as_str().expect("a location");
    for (id, parent) in [(1, None), (2, Some(1))] {
        let body = bodies::commit(json!([]), bodies::append(location, id, id, parent));
        server.post("/namespaces/ns/tables/t", body).send().await.expect(200);
    }

    let ids = |body: serde_json::Value| -> Vec<i64> {
        let snapshots = body["metadata"]["snapshots"].as_array().expect("snapshots").clone();
        snapshots.iter().filter_map(|snapshot| snapshot["snapshot-id"].as_i64()).collect()
    };
    let all = server.get("/namespaces/ns/tables/t?snapshots=all").send().await.expect(200);
    let refs = server.get("/namespaces/ns/tables/t?snapshots=refs").send().await.expect(200);

    assert_ne!(all.header("etag"), refs.header("etag"));
    assert_eq!((ids(all.json()), ids(refs.json())), (vec![1, 2], vec![2]));
    server.get("/namespaces/ns/tables/t?snapshots=some").send().await.expect_error(400, "BadRequestException");
}

async fn a_schema_of_version_three_needs_version_three(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let body = |name: &str, version: &str| {
        json!({
            "name": name,
            "schema": { "type": "struct", "fields": [
                { "id": 1, "name": "v", "required": false, "type": "variant" },
                { "id": 2, "name": "g", "required": false, "type": "geometry(OGC:CRS84)" },
                { "id": 3, "name": "n", "required": false, "type": "timestamp_ns" },
                { "id": 4, "name": "u", "required": false, "type": "unknown" },
                { "id": 5, "name": "d", "required": true, "type": "int", "initial-default": 7, "write-default": 8 },
            ] },
            "properties": { "format-version": version },
        })
    };

    let refused = server.post("/namespaces/ns/tables", body("two", "2")).send().await;
    let created = server.post("/namespaces/ns/tables", body("three", "3")).send().await.expect(200).json();

    let message = refused.expect_error(400, "BadRequestException");
    assert!(message.contains("is not supported until v3"), "{message}");
    assert_eq!(created["metadata"]["schemas"][0]["fields"][4]["initial-default"], 7);
    assert_eq!(created["metadata"]["next-row-id"], 0);
}

async fn a_report_of_metrics_is_accepted(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let report = json!({
        "report-type": "scan-report", "table-name": "ns.t", "snapshot-id": 1, "filter": true, "schema-id": 0,
        "projected-field-ids": [1], "projected-field-names": ["id"], "metrics": {}, "metadata": {},
    });

    server.post("/namespaces/ns/tables/t/metrics", report.clone()).send().await.expect(204);

    let missing = server.post("/namespaces/ns/tables/absent/metrics", report).send().await;
    missing.expect_error(404, "NoSuchTableException");
}

async fn b8_a_header_that_is_refused_makes_no_table(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;

    let create = server.post("/namespaces/ns/tables", bodies::create_table("t"));
    let refused = create.header_bytes("x-iceberg-access-delegation", b"\xff").send().await;

    refused.expect_error(400, "BadRequestException");
    server.head("/namespaces/ns/tables/t").send().await.expect(404);
}
