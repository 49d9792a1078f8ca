//! The `weir` program as an operator runs it: exit codes, health, metrics, a log without secrets.

use std::process::Output;
use std::time::Duration;

use weir_tests::{Engine, Http, Installation, TestServer, on_both_engines};

const CANARY: &str = "canary-77aa";

/// A verb on an installation, with no server of its own.
async fn weir(installation: &Installation, port: u16, args: &[&str]) -> Output {
    let mut command = installation.command(port);
    command.args(args);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn port_of(server: &TestServer) -> u16 {
    server.weir.url().rsplit(':').next().unwrap().parse().unwrap()
}

/// The address of the metrics, from the banner.
fn metrics_url(server: &TestServer) -> String {
    let log = server.weir.log();
    let line = log.lines().find(|line| line.trim_start().starts_with("metrics ")).expect("the banner names it");
    line.split_whitespace().nth(1).unwrap().to_owned()
}

on_both_engines![
    health_follows_the_store,
    metrics_have_a_port_of_their_own,
    a_stop_by_signal_ends_with_success,
    the_banner_tells_how_to_begin,
    secrets_are_not_in_the_log,
];

async fn health_follows_the_store(engine: Engine) {
    let server = TestServer::start(engine).await;

    let live = server.root.get("/health/live").send().await.expect(200).json();
    let ready = server.root.get("/health/ready").send().await.expect(200).json();
    let health = server.root.get("/health").send().await.expect(200).json();

    assert_eq!(live["status"], "alive");
    assert_eq!(ready["status"], "ready");
    assert_eq!(health["health"], "healthy");
}

async fn metrics_have_a_port_of_their_own(engine: Engine) {
    let server = TestServer::start(engine).await;
    server.create_namespace("counted").await;

    let page = Http::new(&metrics_url(&server)).get("").send().await.expect(200).text();

    assert!(page.contains("weir_http_request_duration_seconds_bucket{"), "{page}");
    assert!(page.contains("route=\"/catalog/v1/{prefix}/namespaces\""), "{page}");
    assert!(page.contains("process_resident_memory_bytes"), "{page}");
    assert!(!page.contains("counted"), "names of things are not labels");
    server.root.get("/metrics").send().await.expect(404);
}

async fn a_stop_by_signal_ends_with_success(engine: Engine) {
    let mut server = TestServer::start(engine).await;

    assert_eq!(server.weir.terminate(Duration::from_secs(20)), Some(0));
}

async fn the_banner_tells_how_to_begin(engine: Engine) {
    let server = TestServer::start(engine).await;

    let log = server.weir.log();

    let url = server.weir.url();
    assert!(log.contains(&format!("load_catalog(\"weir\", type=\"rest\", uri=\"{url}/catalog\"")), "{log}");
    for word in ["durability", "warehouse       default", "authentication"] {
        assert!(log.contains(word), "{word} is missing: {log}");
    }
}

/// S8: tokens, query strings, bodies, passwords.
async fn secrets_are_not_in_the_log(engine: Engine) {
    let server = TestServer::start_with(engine, &[("WEIR__LOG__FILTER", "debug")]).await;
    let body = serde_json::json!({ "namespace": ["quiet"], "properties": { "key": CANARY } });
    let ask = server.post("/namespaces", body).header("authorization", &format!("Bearer {CANARY}"));
    ask.send().await.expect(200);
    server.get(&format!("/namespaces?pageToken={CANARY}")).send().await.expect(400);

    let log = server.weir.log();

    assert!(log.contains("POST /catalog/v1/"), "there is a log: {log}");
    assert!(!log.contains(CANARY), "{log}");
}

#[tokio::test]
async fn the_database_s_password_is_in_no_error() {
    let mut installation = Installation::create(Engine::Sqlite, &[]).await;
    installation.reach_store_by(&format!("postgres://weir:{CANARY}@127.0.0.1:1/weir"));

    let served = weir(&installation, 0, &["serve"]).await;

    let said = format!("{}{}", String::from_utf8_lossy(&served.stdout), String::from_utf8_lossy(&served.stderr));
    assert_eq!(served.status.code(), Some(1), "{said}");
    assert!(!said.contains(CANARY), "{said}");
}

#[tokio::test]
async fn healthcheck_tells_by_its_exit_code() {
    let server = TestServer::start(Engine::Sqlite).await;
    let port = port_of(&server);

    let well = weir(&server.installation, port, &["healthcheck"]).await;
    let waited = weir(&server.installation, port, &["wait", "server", "--timeout", "5"]).await;
    let absent = weir(&server.installation, 1, &["healthcheck"]).await;

    assert_eq!(well.status.code(), Some(0), "{well:?}");
    assert_eq!(waited.status.code(), Some(0), "{waited:?}");
    assert_eq!(absent.status.code(), Some(4), "{absent:?}");
}

#[tokio::test]
async fn a_bad_configuration_ends_with_its_own_code() {
    let installation = Installation::create(Engine::Sqlite, &[("WEIR__SERVER__NONSENSE", "1")]).await;

    let checked = weir(&installation, 0, &["config", "check"]).await;

    assert_eq!(checked.status.code(), Some(3), "{checked:?}");
    assert!(String::from_utf8_lossy(&checked.stderr).contains("server.nonsense"), "{checked:?}");
}

#[tokio::test]
async fn a_taken_port_is_explained() {
    let server = TestServer::start(Engine::Sqlite).await;
    let other = Installation::create(Engine::Sqlite, &[]).await;

    let served = weir(&other, port_of(&server), &["serve"]).await;

    let said = String::from_utf8_lossy(&served.stderr);
    assert_eq!(served.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot listen on") && said.contains("server.listen"), "{said}");
}

#[tokio::test]
async fn every_served_operation_is_documented() {
    let server = TestServer::start(Engine::Sqlite).await;
    let config = server.root.get("/catalog/v1/config").send().await.expect(200).json();
    let document = server.root.get("/api-docs/catalog/openapi.json").send().await.expect(200).json();

    let served = config["endpoints"].as_array().unwrap().iter().map(|endpoint| endpoint.as_str().unwrap());
    let undocumented: Vec<_> = served
        .filter(|endpoint| {
            let (method, path) = endpoint.split_once(' ').unwrap();
            document["paths"][format!("/catalog{path}")][method.to_lowercase()].is_null()
        })
        .collect();

    assert!(undocumented.is_empty(), "{undocumented:?}");
    server.root.get("/api-docs").send().await.expect(200);
    server.root.get("/api-docs/management/openapi.json").send().await.expect(200);
}
