//! Register, unregister: a table that exists as a file.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_dropped_table_is_registered_with_uuid_bytes_file,
    a_taken_name_needs_overwrite,
    a_missing_or_broken_file_is_refused,
    unknown_fields_survive_register_then_commit,
    an_unregistered_table_keeps_its_files,
    a_dropped_view_is_registered_again,
    s11_a_registered_table_writes_no_metadata_outside_its_location
);

async fn with_table(engine: Engine) -> (TestServer, Value) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    (server, created)
}

fn register(name: &str, location: &Value) -> Value {
    json!({ "name": name, "metadata-location": location })
}

async fn a_dropped_table_is_registered_with_uuid_bytes_file(engine: Engine) {
    let (server, created) = with_table(engine).await;
    server.delete("/namespaces/ns/tables/t").send().await.expect(204);

    let body = register("back", &created["metadata-location"]);
    let registered = server.post("/namespaces/ns/register", body).send().await.expect(200).json();

    assert_eq!(registered["metadata"], created["metadata"]);
    assert_eq!(registered["metadata-location"], created["metadata-location"]);
}

async fn a_taken_name_needs_overwrite(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let other = server.create_table("ns", "u").await;
    server.delete("/namespaces/ns/tables/u").send().await.expect(204);
    let mut body = register("t", &other["metadata-location"]);

    server.post("/namespaces/ns/register", body.clone()).send().await.expect_error(409, "AlreadyExistsException");
    body["overwrite"] = json!(true);
    let overwritten = server.post("/namespaces/ns/register", body).send().await.expect(200).json();

    assert_eq!(overwritten["metadata"]["table-uuid"], other["metadata"]["table-uuid"]);
    assert_ne!(overwritten["metadata"]["table-uuid"], created["metadata"]["table-uuid"]);
}

/// R26
async fn a_missing_or_broken_file_is_refused(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let folder = server.installation.lake().join("loose");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("00000-broken.metadata.json"), b"{\"format-version\":2").expect("a file");
    let at = |name: &str| json!(format!("file://{}/{name}", folder.display()));

    for location in [at("00000-absent.metadata.json"), at("00000-broken.metadata.json"), json!("file:///etc/passwd")] {
        let answer = server.post("/namespaces/ns/register", register("x", &location)).send().await;
        assert_eq!(answer.status, 400, "{location}: {}", answer.text());
    }
    drop(created);
    server.head("/namespaces/ns/tables/x").send().await.expect(404);
}

async fn unknown_fields_survive_register_then_commit(engine: Engine) {
    let (server, created) = with_table(engine).await;
    server.delete("/namespaces/ns/tables/t").send().await.expect(204);
    let path = created["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    let mut metadata = created["metadata"].clone();
    metadata["x-from-the-future"] = json!({ "b": 1, "a": [1.50, 2] });
    std::fs::write(&path, metadata.to_string()).expect("the file is written");
    let body = register("t", &created["metadata-location"]);
    server.post("/namespaces/ns/register", body).send().await.expect(200);

    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let committed = server.post("/namespaces/ns/tables/t", commit).send().await.expect(200).json();

    assert_eq!(committed["metadata"]["x-from-the-future"].to_string(), metadata["x-from-the-future"].to_string());
}

async fn an_unregistered_table_keeps_its_files(engine: Engine) {
    let (server, created) = with_table(engine).await;

    let last = server.post("/namespaces/ns/tables/t/unregister", json!({})).send().await.expect(200).json();

    assert_eq!(last["metadata"], created["metadata"]);
    server.head("/namespaces/ns/tables/t").send().await.expect(404);
    let path = created["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    assert!(std::path::Path::new(&path).exists());
}

async fn a_dropped_view_is_registered_again(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200).json();
    server.delete("/namespaces/ns/views/v").send().await.expect(204);

    let body = register("w", &created["metadata-location"]);
    let registered = server.post("/namespaces/ns/register-view", body).send().await.expect(200).json();

    assert_eq!(registered["metadata"], created["metadata"]);
}

/// S11: the path comes with the file, no update brings it in.
async fn s11_a_registered_table_writes_no_metadata_outside_its_location(engine: Engine) {
    let (server, created) = with_table(engine).await;
    server.delete("/namespaces/ns/tables/t").send().await.expect(204);
    let victim = server.create_table("ns", "victim").await;
    let folder = format!("{}/metadata", victim["metadata"]["location"].as_str().expect("a location"));
    let path = created["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    let mut metadata = created["metadata"].clone();
    metadata["properties"]["write.metadata.path"] = json!(folder);
    std::fs::write(&path, metadata.to_string()).expect("the file is written");
    server.post("/namespaces/ns/register", register("t", &created["metadata-location"])).send().await.expect(200);

    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let refused = server.post("/namespaces/ns/tables/t", commit).send().await;

    let message = refused.expect_error(400, "BadRequestException");
    assert!(message.contains("write.metadata.path"), "{message}");
    let files = std::fs::read_dir(folder.trim_start_matches("file://")).expect("a folder").count();
    assert_eq!(files, 1, "only the victim's own file");
    let mended = json!([{ "action": "remove-properties", "removals": ["write.metadata.path"] }]);
    server.post("/namespaces/ns/tables/t", bodies::commit(json!([]), mended)).send().await.expect(200);
}
