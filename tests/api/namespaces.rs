//! Namespaces: create, load, list, change, drop.

use serde_json::json;
use weir_tests::{Engine, TestServer, on_both_engines};

on_both_engines!(
    a_created_namespace_is_loaded_with_its_properties,
    a_namespace_is_created_once,
    a_namespace_needs_its_parent,
    children_are_listed_below_their_parent_only,
    a_parent_may_be_told_with_the_configured_separator,
    a_missing_namespace_is_404,
    a_namespace_with_children_is_not_dropped,
    properties_are_set_removed_or_missed,
    a_property_in_both_lists_is_422,
    names_that_can_not_be_are_400_on_create_but_404_on_load,
    reserved_names_are_refused,
    names_are_bytes,
    a_path_splits_before_it_is_decoded,
    the_location_of_a_namespace_stays
);

async fn a_created_namespace_is_loaded_with_its_properties(engine: Engine) {
    let server = TestServer::start(engine).await;
    let body = json!({ "namespace": ["sales"], "properties": { "owner": "ada" } });

    let created = server.post("/namespaces", body).send().await.expect(200).json();
    let loaded = server.get("/namespaces/sales").send().await.expect(200).json();

    assert_eq!((&created["namespace"], &created["properties"]["owner"]), (&json!(["sales"]), &json!("ada")));
    assert_eq!((&loaded["namespace"], &loaded["properties"]["owner"]), (&json!(["sales"]), &json!("ada")));
    let head = server.head("/namespaces/sales").send().await.expect(204);
    assert!(head.bytes.is_empty());
}

async fn a_namespace_is_created_once(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("sales").await;

    let again = server.post("/namespaces", json!({ "namespace": ["sales"] })).send().await;

    let message = again.expect_error(409, "AlreadyExistsException");
    assert!(message.contains("Namespace already exists: sales"), "{message}");
}

async fn a_namespace_needs_its_parent(engine: Engine) {
    let server = TestServer::start(engine).await;

    let orphan = server.post("/namespaces", json!({ "namespace": ["a", "b"] })).send().await;

    let message = orphan.expect_error(404, "NoSuchNamespaceException");
    assert!(message.contains("Namespace does not exist: a"), "{message}");
}

async fn children_are_listed_below_their_parent_only(engine: Engine) {
    let server = TestServer::start(engine).await;
    for namespace in [json!(["a"]), json!(["b"]), json!(["a", "x"]), json!(["a", "x", "deep"])] {
        server.post("/namespaces", json!({ "namespace": namespace })).send().await.expect(200);
    }

    let top = server.get("/namespaces").send().await.expect(200).json();
    let below = server.get("/namespaces?parent=a").send().await.expect(200).json();
    let deep = server.get("/namespaces?parent=a%1Fx").send().await.expect(200).json();

    assert_eq!(top["namespaces"], json!([["a"], ["b"]]));
    assert_eq!(below["namespaces"], json!([["a", "x"]]));
    assert_eq!(deep["namespaces"], json!([["a", "x", "deep"]]));
}

async fn a_parent_may_be_told_with_the_configured_separator(engine: Engine) {
    let server = TestServer::start_with(engine, &[("WEIR__CATALOG__NAMESPACE_SEPARATOR", "%2E")]).await;
    for path in [json!(["a"]), json!(["a", "b"]), json!(["a", "b", "c"])] {
        server.post("/namespaces", json!({ "namespace": path })).send().await.expect(200);
    }

    for parent in ["a.b", "a%2Eb", "a%1Fb"] {
        let listed = server.get(&format!("/namespaces?parent={parent}")).send().await.expect(200).json();
        assert_eq!(listed["namespaces"], json!([["a", "b", "c"]]), "{parent}");
    }
}

async fn a_missing_namespace_is_404(engine: Engine) {
    let server = TestServer::start(engine).await;

    server.get("/namespaces/absent").send().await.expect_error(404, "NoSuchNamespaceException");
    server.delete("/namespaces/absent").send().await.expect_error(404, "NoSuchNamespaceException");
    server.get("/namespaces?parent=absent").send().await.expect_error(404, "NoSuchNamespaceException");
    server.get("/namespaces/absent/tables").send().await.expect_error(404, "NoSuchNamespaceException");
    server.get("/namespaces/absent/views").send().await.expect_error(404, "NoSuchNamespaceException");
    let head = server.head("/namespaces/absent").send().await.expect(404);
    assert!(head.bytes.is_empty());
}

async fn a_namespace_with_children_is_not_dropped(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("a").await;
    server.post("/namespaces", json!({ "namespace": ["a", "x"] })).send().await.expect(200);

    let refused = server.delete("/namespaces/a").send().await.expect_error(409, "NamespaceNotEmptyException");
    assert!(refused.contains("is not empty"), "{refused}");
    server.delete("/namespaces/a%1Fx").send().await.expect(204);
    server.create_table("a", "t").await;
    server.delete("/namespaces/a").send().await.expect_error(409, "NamespaceNotEmptyException");
    server.delete("/namespaces/a/tables/t").send().await.expect(204);
    server.delete("/namespaces/a").send().await.expect(204);

    server.head("/namespaces/a").send().await.expect(404);
}

async fn properties_are_set_removed_or_missed(engine: Engine) {
    let server = TestServer::start(engine).await;
    let body = json!({ "namespace": ["a"], "properties": { "owner": "ada", "stage": "raw" } });
    server.post("/namespaces", body).send().await.expect(200);

    let change = json!({ "removals": ["stage", "absent"], "updates": { "owner": "grace" } });
    let changed = server.post("/namespaces/a/properties", change).send().await.expect(200).json();

    assert_eq!(changed, json!({ "updated": ["owner"], "removed": ["stage"], "missing": ["absent"] }));
    let properties = server.get("/namespaces/a").send().await.expect(200).json()["properties"].clone();
    assert_eq!((properties.get("owner"), properties.get("stage")), (Some(&json!("grace")), None));
}

async fn a_property_in_both_lists_is_422(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("a").await;

    let change = json!({ "removals": ["x"], "updates": { "x": "1" } });
    let answer = server.post("/namespaces/a/properties", change).send().await;

    answer.expect_error(422, "UnprocessableEntityException");
}

async fn names_that_can_not_be_are_400_on_create_but_404_on_load(engine: Engine) {
    let server = TestServer::start(engine).await;
    let too_deep = vec!["a"; 1_000];
    let too_long = "x".repeat(10_000);

    for bad in [json!([]), json!([""]), json!(["a\u{1F}b"]), json!(["a\0b"]), json!(too_deep), json!([too_long])] {
        let answer = server.post("/namespaces", json!({ "namespace": bad })).send().await;
        answer.expect_error(400, "BadRequestException");
    }
    server.get(&format!("/namespaces/{too_long}")).send().await.expect_error(404, "NoSuchNamespaceException");
    server.get("/namespaces/a%1F%1Fb").send().await.expect_error(404, "NoSuchNamespaceException");
    server.head(&format!("/namespaces/{}", too_deep.join("%1F"))).send().await.expect(404);
}

async fn reserved_names_are_refused(engine: Engine) {
    let server = TestServer::start(engine).await;

    let answer = server.post("/namespaces", json!({ "namespace": ["information_schema"] })).send().await;

    answer.expect_error(400, "BadRequestException");
}

/// B4: no folding, no normalisation, on either engine.
async fn names_are_bytes(engine: Engine) {
    let server = TestServer::start(engine).await;
    let names = ["é", "e\u{301}", "É", "I", "ı", "İ", "i", "a b", "a.b", "👩‍🚀", "\u{202E}x", "%1F", "a+b", "a/b"];

    for name in names {
        server.post("/namespaces", json!({ "namespace": [name] })).send().await.expect(200);
    }

    let listed = server.get("/namespaces").send().await.expect(200).json();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(listed["namespaces"], json!(expected.iter().map(|name| [name]).collect::<Vec<_>>()));
}

async fn a_path_splits_before_it_is_decoded(engine: Engine) {
    let server = TestServer::start(engine).await;
    for name in ["a b", "a+b", "a%1Fb"] {
        server.post("/namespaces", json!({ "namespace": [name] })).send().await.expect(200);
    }

    for (path, name) in [("a%20b", "a b"), ("a+b", "a b"), ("a%2Bb", "a+b"), ("a%251Fb", "a%1Fb")] {
        let loaded = server.get(&format!("/namespaces/{path}")).send().await.expect(200).json();
        assert_eq!(loaded["namespace"], json!([name]), "by {path}");
    }
}

async fn the_location_of_a_namespace_stays(engine: Engine) {
    let server = TestServer::start(engine).await;
    let location = format!("file://{}/somewhere", server.installation.lake().display());
    let body = json!({ "namespace": ["a"], "properties": { "location": location } });
    server.post("/namespaces", body).send().await.expect(200);

    for change in [json!({ "removals": ["location"] }), json!({ "updates": { "location": "file:///elsewhere" } })] {
        let answer = server.post("/namespaces/a/properties", change).send().await;
        answer.expect_error(400, "BadRequestException");
    }
}
