//! Schemathesis over both OpenAPI documents: whatever is sent, no 500, no undocumented answer.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(the_catalog_api_answers_what_its_document_says, the_management_api_answers_what_its_document_says);

/// B9: the documents are the contract, so a generator that knows only them must find no other answer.
async fn the_catalog_api_answers_what_its_document_says(engine: Engine) {
    fuzz(engine, "catalog").await;
}

async fn the_management_api_answers_what_its_document_says(engine: Engine) {
    fuzz(engine, "management").await;
}

async fn fuzz(engine: Engine, api: &str) {
    let Some(python) = python("venv") else { return };
    let schemathesis = Path::new(python.get_program()).with_file_name("schemathesis");
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
    let document = server.installation.home().join(format!("{api}.json"));
    let text = with_names_that_exist(&succeed(openapi(&server, api)), &server.prefix);
    std::fs::write(&document, text).expect("the document is written");

    let mut run = Command::new(schemathesis);
    run.arg("run")
        .arg(&document)
        .args(["--url", &server.weir.url(), "--seed", "1", "--no-shrink", "--continue-on-failure"])
        // Python 3.11 loses count of its own recursion when two threads of the generator parse at once.
        .args(["--workers", "1"])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--max-examples", if is_full_lane() { "200" } else { "5" }])
        .current_dir(server.installation.home());
    let said = succeed(run);

    let cases = said.lines().find(|line| line.contains("generated")).unwrap_or_default();
    println!("{api} on {engine:?}: {}", cases.trim());
}

/// The document as the program itself prints it.
fn openapi(server: &TestServer, api: &str) -> Command {
    let mut command = server.installation.command(0);
    command.args(["openapi", api]);
    command
}

/// Generated names would all miss, so that no body were ever looked at; only what takes things away keeps its parameters.
fn with_names_that_exist(document: &str, prefix: &str) -> String {
    let mut document: Value = serde_json::from_str(document).expect("the document is JSON");
    let paths = document["paths"].as_object_mut().expect("the document has paths");
    for (path, mut item) in std::mem::take(paths) {
        let exists = path.replace("{prefix}", prefix).replace("{warehouse_id}", prefix);
        let named = exists.replace("{namespace}", "ns").replace("{table}", "t").replace("{view}", "v");
        let takes_away = ["unregister", "rename", "deactivate"].iter().any(|verb| path.ends_with(verb));
        if takes_away || named == exists {
            let safe = if named.contains("/warehouse/") { path } else { exists };
            paths.insert(safe, item);
            continue;
        }
        if let Some(delete) = item.as_object_mut().and_then(|item| item.remove("delete")) {
            paths.insert(exists, serde_json::json!({ "delete": delete }));
        }
        paths.insert(named, item);
    }
    document.to_string()
}
