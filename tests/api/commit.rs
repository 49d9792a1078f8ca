//! Commits: requirements, updates, conflicts, the metadata log.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_commit_moves_the_table_to_the_next_file,
    each_failed_requirement_is_409_in_java_s_words,
    a_failed_requirement_changes_nothing,
    a_commit_without_effect_writes_nothing,
    what_is_not_understood_is_400,
    an_invalid_update_applies_nothing,
    a_commit_to_a_missing_table_is_404,
    the_body_must_not_name_another_table,
    another_uuid_is_refused,
    a_stale_sequence_number_is_409,
    the_metadata_log_is_trimmed,
    old_metadata_files_are_deleted_only_on_request,
    metadata_is_compressed_on_request,
    the_last_added_schema_is_minus_one,
    downgrades_are_refused
);

const TABLE: &str = "/namespaces/ns/tables/t";

async fn with_table(engine: Engine) -> (TestServer, Value) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let created = server.create_table("ns", "t").await;
    (server, created)
}

async fn a_commit_moves_the_table_to_the_next_file(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let uuid = &created["metadata"]["table-uuid"];
    let requirements = json!([{ "type": "assert-table-uuid", "uuid": uuid }]);

    let body = bodies::commit(requirements, bodies::set_property("owner", "ada"));
    let answer = server.post(TABLE, body).send().await.expect(200);

    assert!(answer.header("etag").is_some());
    let committed = answer.json();
    assert_eq!(committed["metadata"]["properties"]["owner"], "ada");
    assert_eq!(committed["metadata"]["metadata-log"][0]["metadata-file"], created["metadata-location"]);
    let file = committed["metadata-location"].as_str().and_then(|location| location.rsplit('/').next());
    assert!(file.is_some_and(|name| name.starts_with("00001-")), "{file:?}");
    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata"], committed["metadata"]);
}

/// R12: clients decide by these words whether a retry can help.
async fn each_failed_requirement_is_409_in_java_s_words(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let cases = [
        (json!({ "type": "assert-create" }), "Requirement failed: table already exists"),
        (json!({ "type": "assert-table-uuid", "uuid": uuid::Uuid::nil() }), "Requirement failed: UUID does not match"),
        (
            json!({ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": 5 }),
            "Requirement failed: branch or tag main",
        ),
        (
            json!({ "type": "assert-last-assigned-field-id", "last-assigned-field-id": 9 }),
            "last assigned field id changed",
        ),
        (json!({ "type": "assert-current-schema-id", "current-schema-id": 9 }), "current schema changed"),
        (
            json!({ "type": "assert-last-assigned-partition-id", "last-assigned-partition-id": 9 }),
            "last assigned partition id changed",
        ),
        (json!({ "type": "assert-default-spec-id", "default-spec-id": 9 }), "default partition spec changed"),
        (json!({ "type": "assert-default-sort-order-id", "default-sort-order-id": 9 }), "default sort order changed"),
    ];

    for (requirement, words) in cases {
        let body = bodies::commit(json!([requirement]), bodies::set_property("a", "1"));
        let message = server.post(TABLE, body).send().await.expect_error(409, "CommitFailedException");
        assert!(message.contains(words), "{requirement}: {message}");
    }
}

async fn a_failed_requirement_changes_nothing(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let requirements = json!([{ "type": "assert-default-spec-id", "default-spec-id": 9 }]);

    let body = bodies::commit(requirements, bodies::set_property("a", "1"));
    server.post(TABLE, body).send().await.expect(409);

    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata"], created["metadata"]);
    assert_eq!(metadata_files(&created).len(), 1);
}

async fn a_commit_without_effect_writes_nothing(engine: Engine) {
    let (server, created) = with_table(engine).await;

    for updates in [json!([]), json!([{ "action": "set-current-schema", "schema-id": 0 }])] {
        let answer = server.post(TABLE, bodies::commit(json!([]), updates)).send().await.expect(200).json();
        assert_eq!(answer["metadata-location"], created["metadata-location"]);
    }
    assert_eq!(metadata_files(&created).len(), 1);
}

/// B5: an unknown requirement that is ignored would be a lost safety.
async fn what_is_not_understood_is_400(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let unknown_update = bodies::commit(json!([]), json!([{ "action": "do-magic" }]));
    let unknown_requirement = bodies::commit(json!([{ "type": "assert-magic" }]), json!([]));
    let no_action = bodies::commit(json!([]), json!([{ "updates": {} }]));

    for (body, named) in [(unknown_update, "do-magic"), (unknown_requirement, "assert-magic"), (no_action, "action")] {
        let message = server.post(TABLE, body).send().await.expect_error(400, "BadRequestException");
        assert!(message.contains(named), "{message}");
    }
}

async fn an_invalid_update_applies_nothing(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let set = json!({ "action": "set-properties", "updates": { "a": "1" } });

    for bad in [
        json!({ "action": "set-current-schema", "schema-id": 99 }),
        json!({ "action": "set-current-schema", "schema-id": -1 }),
        json!({ "action": "set-default-spec", "spec-id": 99 }),
        json!({ "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 99 }),
        json!({ "action": "remove-schemas", "schema-ids": [0] }),
        json!({ "action": "upgrade-format-version", "format-version": 99 }),
    ] {
        let body = bodies::commit(json!([]), json!([set, bad]));
        server.post(TABLE, body).send().await.expect_error(400, "BadRequestException");
    }

    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata"], created["metadata"]);
}

async fn a_commit_to_a_missing_table_is_404(engine: Engine) {
    let (server, _) = with_table(engine).await;

    let body = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let answer = server.post("/namespaces/ns/tables/absent", body).send().await;

    answer.expect_error(404, "NoSuchTableException");
}

async fn the_body_must_not_name_another_table(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let mut body = bodies::commit(json!([]), bodies::set_property("a", "1"));

    body["identifier"] = bodies::identifier("ns", "other");
    server.post(TABLE, body.clone()).send().await.expect_error(400, "BadRequestException");

    body["identifier"] = bodies::identifier("ns", "t");
    server.post(TABLE, body).send().await.expect(200);
}

async fn another_uuid_is_refused(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let assign = |uuid: &Value| bodies::commit(json!([]), json!([{ "action": "assign-uuid", "uuid": uuid }]));

    let other = server.post(TABLE, assign(&json!(uuid::Uuid::new_v4()))).send().await;

    other.expect_error(400, "BadRequestException");
    server.post(TABLE, assign(&created["metadata"]["table-uuid"])).send().await.expect(200);
}

async fn a_stale_sequence_number_is_409(engine: Engine) {
    let (server, created) = with_table(engine).await;
    let location = created["metadata"]["location"].as_str().expect("a location");
    let first = bodies::commit(json!([]), bodies::append(location, 1, 1, None));
    server.post(TABLE, first).send().await.expect(200);

    let stale = bodies::commit(json!([]), bodies::append(location, 2, 1, Some(1)));
    let answer = server.post(TABLE, stale).send().await;

    answer.expect_error(409, "CommitFailedException");
}

async fn the_metadata_log_is_trimmed(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let limit = bodies::commit(json!([]), bodies::set_property("write.metadata.previous-versions-max", "2"));
    server.post(TABLE, limit).send().await.expect(200);

    for value in ["1", "2", "3"] {
        let body = bodies::commit(json!([]), bodies::set_property("a", value));
        server.post(TABLE, body).send().await.expect(200);
    }

    let loaded = server.get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata"]["metadata-log"].as_array().map(Vec::len), Some(2));
    assert_eq!(metadata_files(&loaded).len(), 5, "files stay unless their deletion is asked for");
}

async fn old_metadata_files_are_deleted_only_on_request(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let settings = json!([{ "action": "set-properties", "updates": {
        "write.metadata.previous-versions-max": "1", "write.metadata.delete-after-commit.enabled": "true",
    } }]);
    server.post(TABLE, bodies::commit(json!([]), settings)).send().await.expect(200);

    let mut last = Value::Null;
    for value in ["1", "2", "3"] {
        let body = bodies::commit(json!([]), bodies::set_property("a", value));
        last = server.post(TABLE, body).send().await.expect(200).json();
    }

    // The deletion may be finished a moment after the answer.
    for _ in 0..6_000 {
        if metadata_files(&last).len() == 2 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("files that fell out of the log stay: {:?}", metadata_files(&last));
}

async fn metadata_is_compressed_on_request(engine: Engine) {
    let (server, _) = with_table(engine).await;

    let body = bodies::commit(json!([]), bodies::set_property("write.metadata.compression-codec", "gzip"));
    let committed = server.post(TABLE, body).send().await.expect(200).json();

    let location = committed["metadata-location"].as_str().expect("a location");
    assert!(location.ends_with(".gz.metadata.json"), "{location}");
    let bytes = std::fs::read(location.trim_start_matches("file://")).expect("the file is there");
    let plain = std::io::read_to_string(flate2::read::GzDecoder::new(bytes.as_slice())).expect("gzip");
    assert_eq!(serde_json::from_str::<Value>(&plain).expect("JSON"), committed["metadata"]);
}

async fn the_last_added_schema_is_minus_one(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let mut schema = bodies::schema();
    schema["fields"]
        .as_array_mut()
        .expect("fields")
        .push(json!({ "id": 3, "name": "x", "required": false, "type": "int" }));
    let updates = json!([
        { "action": "add-schema", "schema": schema, "last-column-id": 3 },
        { "action": "set-current-schema", "schema-id": -1 },
    ]);

    let committed = server.post(TABLE, bodies::commit(json!([]), updates)).send().await.expect(200).json();

    assert_eq!(committed["metadata"]["current-schema-id"], 1);
    assert_eq!(committed["metadata"]["last-column-id"], 3);
}

async fn downgrades_are_refused(engine: Engine) {
    let (server, _) = with_table(engine).await;
    let version = |number: i32| {
        bodies::commit(json!([]), json!([{ "action": "upgrade-format-version", "format-version": number }]))
    };

    let upgraded = server.post(TABLE, version(3)).send().await.expect(200).json();
    let downgrade = server.post(TABLE, version(2)).send().await;

    assert_eq!(upgraded["metadata"]["next-row-id"], 0);
    downgrade.expect_error(400, "BadRequestException");
}

/// The metadata files that lie beside the table's current one.
fn metadata_files(loaded: &Value) -> Vec<String> {
    let location = loaded["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    let folder = std::path::Path::new(&location).parent().expect("a folder").to_owned();
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}
