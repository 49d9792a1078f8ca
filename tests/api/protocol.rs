//! What is not about Iceberg: methods, paths, bodies that are wrong in every way.

use serde_json::json;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    an_unknown_path_is_404_in_the_error_format,
    a_known_path_with_another_method_is_405,
    what_is_not_built_is_406,
    bad_json_is_400,
    a_body_over_the_limit_is_413,
    maintenance_refuses_changes_but_answers_loads,
    large_values_are_kept_or_refused_never_500
);

async fn an_unknown_path_is_404_in_the_error_format(engine: Engine) {
    let server = TestServer::start(engine).await;

    for path in ["/nothing", "/catalog/v1/x/y/z", "/catalog/v2/config"] {
        let answer = server.root.get(path).send().await.expect(404);
        assert_eq!(answer.json()["error"]["code"], 404, "{path}");
    }
}

async fn a_known_path_with_another_method_is_405(engine: Engine) {
    let server = TestServer::start(engine).await;

    let answer = server.catalog.ask(reqwest::Method::PATCH, "/namespaces").send().await.expect(405);

    let allow = answer.header("allow").expect("an Allow header").to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    assert_eq!(answer.json()["error"]["code"], 405);
}

async fn what_is_not_built_is_406(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;

    let plan = server.post("/namespaces/ns/tables/t/plan", json!({})).send().await.expect(406);
    let functions = server.get("/namespaces/ns/functions").send().await.expect(406);

    assert_eq!(plan.json()["error"]["code"], 406);
    assert_eq!(functions.json()["error"]["code"], 406);
}

/// B3
async fn bad_json_is_400(engine: Engine) {
    let server = TestServer::start(engine).await;
    let deep = format!(r#"{{"namespace":["a"],"properties":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));

    for body in [
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        br#"{"namespace":["a"]} trailing"#.to_vec(),
        br#"{"namespace":["a"],"namespace":["b"]}"#.to_vec(),
        br#"{"namespace":"a"}"#.to_vec(),
        br#"{"namespace":[1]}"#.to_vec(),
        b"{\"namespace\":[\"\xff\"]}".to_vec(),
        br#"{"namespace":["\ud800"]}"#.to_vec(),
        b"\xef\xbb\xbf{\"namespace\":[\"a\"]}".to_vec(),
        br#"{"namespace":["a"],"properties":{"x":1e400}}"#.to_vec(),
        deep.into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = server.catalog.ask(reqwest::Method::POST, "/namespaces").bytes(body).send().await;
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
    }
    let listed = server.get("/namespaces").send().await.expect(200).json();
    assert_eq!(listed["namespaces"], json!([]), "a refused body left something behind");
}

/// B1
async fn a_body_over_the_limit_is_413(engine: Engine) {
    let server = TestServer::start_with(engine, &[("WEIR__SERVER__BODY_BYTES_MAX", "4096")]).await;
    let body = json!({ "namespace": ["a"], "properties": { "x": "y".repeat(8192) } });

    let answer = server.post("/namespaces", body).send().await.expect(413);

    assert_eq!(answer.json()["error"]["code"], 413);
}

async fn maintenance_refuses_changes_but_answers_loads(engine: Engine) {
    let mut server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let table = server.create_table("ns", "t").await["metadata"]["table-uuid"].as_str().expect("a UUID").to_owned();
    server.weir.kill();
    server.installation.set("WEIR__CATALOG__READ_ONLY", "true");
    server.restart().await;

    server.get("/namespaces/ns/tables/t").send().await.expect(200);
    let management = server.root.under("/management/v1");
    management.get("/relays").send().await.expect(200);
    management.get("/plugins").send().await.expect(200);
    let explain = json!({ "action": "server:describe" });
    management.post("/permissions/explain", explain).send().await.expect(200);
    management.get(&format!("/warehouse/{}/table/{table}/protection", server.prefix)).send().await.expect(200);
    management.post("/plugins/reload", json!({})).send().await.expect(503);
    let create = server.post("/namespaces", json!({ "namespace": ["b"] })).send().await.expect(503);
    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let commit = server.post("/namespaces/ns/tables/t", commit).send().await.expect(429);

    assert!(create.header("retry-after").is_some());
    assert!(commit.header("retry-after").is_some(), "a 5xx would read as an unknown outcome");
}

/// B6
async fn large_values_are_kept_or_refused_never_500(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let megabyte = "x".repeat(1_000_000);
    let many: serde_json::Map<_, _> = (0..100_000).map(|number| (format!("k{number}"), json!("v"))).collect();

    for updates in [bodies::set_property("big", &megabyte), json!([{ "action": "set-properties", "updates": many }])] {
        let answer = server.post("/namespaces/ns/tables/t", bodies::commit(json!([]), updates)).send().await;
        assert!(answer.status == 200 || (400..500).contains(&answer.status), "{}", answer.status);
    }
    server.get("/namespaces/ns/tables/t").send().await.expect(200);
}
