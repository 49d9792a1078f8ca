//! What contracts say is counted in the metrics.

use std::fs;

use serde_json::json;
use weir_tests::guests::guest;
use weir_tests::{Engine, Http, TestServer, bodies};

/// The words of a contract that has very much to say are bounded in the answer, all of its violations are counted.
#[tokio::test]
async fn t7_reviews_and_violations_are_counted_those_too_many_to_tell_included() {
    let home = tempfile::tempdir().expect("a folder");
    let token = home.path().join(".token");
    fs::write(&token, "not-so-secret").expect("writable");
    fs::copy(guest("reviewer"), home.path().join("reviewer.wasm")).expect("copied");
    let declare = |settings: &str| {
        let text = format!(
            "egress = ['http://127.0.0.1:1']\nsecrets.api-token = 'file:{}'\nsettings = {settings}\n\
             limits = {{ deadline_ms = 10000, output_bytes_max = 16777216 }}",
            token.display()
        );
        fs::write(home.path().join("reviewer.toml"), text).expect("writable");
    };
    declare("{}");
    let folder = home.path().display().to_string();
    let settings = [
        ("WEIR__PLUGINS__FOLDER", folder.as_str()),
        ("WEIR__PLUGINS__WATCH_MS", "0"),
        ("WEIR__PLUGINS__SMALL", "true"),
        ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous"),
    ];
    let server = TestServer::start_with(Engine::Sqlite, &settings).await;
    server.create_namespace("ns").await;

    let reload = async |settings: &str| {
        declare(settings);
        let answer = server.root.post("/management/v1/plugins/reload", json!({})).send().await.expect(200).json();
        assert_eq!(answer["refused"], json!({}), "{answer:#}");
    };
    reload("{ behaviour = 'internal', at = 'review' }").await;
    let create = |name| server.post("/namespaces/ns/tables", bodies::create_table(name)).send();
    create("t").await.expect(503);
    reload(&format!("{{ behaviour = 'too-many', at = 'review', count = 900, text = '{}' }}", "x".repeat(4_000))).await;
    let refused = create("t").await;

    assert!(refused.text().len() < 600 << 10, "{} bytes", refused.text().len());
    let message = refused.expect_error(400, "ContractViolationException");
    assert!(message.starts_with("900 violations of data contracts") && message.contains("more are not told"));
    let check = json!({"namespace": ["ns"], "create": bodies::create_table("t")});
    let check = server.root.post(&format!("/management/v1/warehouse/{}/contracts/check", server.prefix), check);
    let checked = check.send().await.expect(200).json();
    let told = checked["violations"].as_array().map(Vec::len).expect("a list");
    assert!(told > 10 && checked["untold"] == json!(900 - told), "{told} told, {} not", checked["untold"]);
    let page = metrics(&server).await;
    for line in [
        "weir_contract_reviews_total{plugin=\"reviewer\",verdict=\"passed\"} 1",
        "weir_contract_reviews_total{plugin=\"reviewer\",verdict=\"undecided\"} 1",
        "weir_contract_reviews_total{plugin=\"reviewer\",verdict=\"violated\"} 2",
        "weir_contract_violations_total{plugin=\"reviewer\",severity=\"block\"} 1800",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
}

async fn metrics(server: &TestServer) -> String {
    let log = server.weir.log();
    let line = log.lines().find(|line| line.trim_start().starts_with("metrics ")).expect("the banner names it");
    let url = line.split_whitespace().nth(1).expect("a URL");
    Http::new(url).get("").send().await.expect(200).text()
}
