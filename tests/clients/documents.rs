//! Schemathesis over both OpenAPI documents: whatever is sent, no 500, no undocumented answer.

use std::process::Command;

use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{Engine, TestServer, on_both_engines};

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
    let server = TestServer::start(engine).await;
    let schemathesis = std::path::Path::new(python.get_program()).with_file_name("schemathesis");
    let document = server.installation.home().join(format!("{api}.json"));
    let text = succeed(openapi(&server, api));
    // Generated prefixes would all miss; the one warehouse that there is makes the rest of each path count.
    let text = text.replace("{prefix}", &server.prefix);
    std::fs::write(&document, text).expect("the document is written");
    let mut run = Command::new(schemathesis);
    run.arg("run")
        .arg(&document)
        .args(["--url", &server.weir.url(), "--seed", "1", "--no-shrink", "--continue-on-failure", "--workers", "2"])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"])
        .args(["--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--max-examples", if is_full_lane() { "200" } else { "10" }])
        .current_dir(server.installation.home());
    succeed(run);
}

/// The document as the program itself prints it.
fn openapi(server: &TestServer, api: &str) -> Command {
    let mut command = server.installation.command(0);
    command.args(["openapi", api]);
    command
}
