//! Locations: inside the warehouse, never inside one another, one canonical form.

use serde_json::{Value, json};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    a_default_location_holds_the_uuid,
    a_custom_location_is_kept_without_its_slash,
    a_location_outside_the_warehouse_is_400,
    overlapping_locations_are_409,
    siblings_with_a_common_prefix_do_not_overlap,
    aliases_of_a_location_are_refused,
    new_uris_must_lie_inside_the_table,
    a_table_with_snapshots_stays_where_it_is
);

async fn server(engine: Engine) -> (TestServer, String) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let lake = format!("file://{}", server.installation.lake().display());
    (server, lake)
}

fn at(name: &str, location: &str) -> Value {
    let mut body = bodies::create_table(name);
    body["location"] = json!(location);
    body
}

async fn a_default_location_holds_the_uuid(engine: Engine) {
    let (server, lake) = server(engine).await;

    let created = server.create_table("ns", "t").await;

    let uuid = created["metadata"]["table-uuid"].as_str().expect("a uuid");
    assert_eq!(created["metadata"]["location"], json!(format!("{lake}/{uuid}")));
}

async fn a_custom_location_is_kept_without_its_slash(engine: Engine) {
    let (server, lake) = server(engine).await;

    let body = at("t", &format!("{lake}/mine/t/"));
    let created = server.post("/namespaces/ns/tables", body).send().await.expect(200).json();

    assert_eq!(created["metadata"]["location"], json!(format!("{lake}/mine/t")));
    server.delete("/namespaces/ns/tables/t").send().await.expect(204);
}

/// S11: the field of a create.
async fn a_location_outside_the_warehouse_is_400(engine: Engine) {
    let (server, lake) = server(engine).await;

    for outside in ["file:///elsewhere/t", "s3://bucket/t", &format!("{lake}-other/t"), &lake, "t", ""] {
        let answer = server.post("/namespaces/ns/tables", at("t", outside)).send().await;
        answer.expect_error(400, "BadRequestException");
    }
}

/// S9
async fn overlapping_locations_are_409(engine: Engine) {
    let (server, lake) = server(engine).await;
    server.post("/namespaces/ns/tables", at("t", &format!("{lake}/a/t1"))).send().await.expect(200);

    for taken in ["/a/t1", "/a/t1/", "/a/t1/inner", "/a"] {
        let answer = server.post("/namespaces/ns/tables", at("u", &format!("{lake}{taken}"))).send().await;
        let status = answer.status;
        assert_eq!(status, 409, "{taken}: {}", answer.text());
    }
    server.head("/namespaces/ns/tables/u").send().await.expect(404);
}

/// S9: `t1` is not a parent of `t10`.
async fn siblings_with_a_common_prefix_do_not_overlap(engine: Engine) {
    let (server, lake) = server(engine).await;

    for (number, name) in ["t1", "t10", "t1-", "t", "t1.x"].iter().enumerate() {
        let body = at(&format!("n{number}"), &format!("{lake}/a/{name}"));
        server.post("/namespaces/ns/tables", body).send().await.expect(200);
    }
}

/// S10
async fn aliases_of_a_location_are_refused(engine: Engine) {
    let (server, lake) = server(engine).await;
    let path = lake.trim_start_matches("file://").to_owned();

    for alias in [
        format!("{lake}/a/../../../etc"),
        format!("{lake}/%2e%2e/x"),
        format!("{lake}/a\\b"),
        format!("{lake}/a\0b"),
        format!("{lake}/a?b"),
        format!("{lake}/a#b"),
        format!("file://user@host{path}/x"),
    ] {
        let answer = server.post("/namespaces/ns/tables", at("t", &alias)).send().await;
        answer.expect_error(400, "BadRequestException");
    }
}

/// S11: each field that carries a URI, alone.
async fn new_uris_must_lie_inside_the_table(engine: Engine) {
    let (server, lake) = server(engine).await;
    let created = server.create_table("ns", "t").await;
    let outside = format!("{lake}/elsewhere");
    let snapshot = |manifest_list: &str| {
        json!({ "action": "add-snapshot", "snapshot": {
            "snapshot-id": 1, "sequence-number": 1, "timestamp-ms": bodies::now_ms(), "schema-id": 0,
            "manifest-list": manifest_list, "summary": { "operation": "append" },
        } })
    };
    let statistics = |action: &str| {
        json!({ "action": action, "snapshot-id": 1, "statistics": {
            "snapshot-id": 1, "statistics-path": format!("{outside}/s.puffin"), "file-size-in-bytes": 1,
            "file-footer-size-in-bytes": 1, "blob-metadata": [],
        } })
    };

    for update in [
        json!({ "action": "set-properties", "updates": { "write.data.path": outside } }),
        json!({ "action": "set-properties", "updates": { "write.metadata.path": outside } }),
        json!({ "action": "set-properties", "updates": { "write.object-storage.path": outside } }),
        json!({ "action": "set-location", "location": "file:///elsewhere" }),
        snapshot(&format!("{outside}/snap-1.avro")),
        statistics("set-statistics"),
        json!({ "action": "set-partition-statistics", "partition-statistics": {
            "snapshot-id": 1, "statistics-path": format!("{outside}/p.parquet"), "file-size-in-bytes": 1,
        } }),
    ] {
        let answer = server.post("/namespaces/ns/tables/t", bodies::commit(json!([]), json!([update]))).send().await;
        answer.expect_error(400, "BadRequestException");
    }
    let inside = format!("{}/data2", created["metadata"]["location"].as_str().expect("a location"));
    let body = bodies::commit(json!([]), bodies::set_property("write.data.path", &inside));
    server.post("/namespaces/ns/tables/t", body).send().await.expect(200);
}

async fn a_table_with_snapshots_stays_where_it_is(engine: Engine) {
    let (server, lake) = server(engine).await;
    let created = server.create_table("ns", "t").await;
    let location = created["metadata"]["location"].as_str().expect("a location");
    let body = bodies::commit(json!([]), bodies::append(location, 1, 1, None));
    server.post("/namespaces/ns/tables/t", body).send().await.expect(200);

    let update = json!([{ "action": "set-location", "location": format!("{lake}/moved") }]);
    let answer = server.post("/namespaces/ns/tables/t", bodies::commit(json!([]), update)).send().await;

    answer.expect_error(400, "BadRequestException");
}
