//! Every route asks before it acts; what a caller may not see looks like what is not there.

use reqwest::Method;
use serde_json::Value;
use weir_tests::routes::{body, filled, is_open, routes};
use weir_tests::{Answer, Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    s21_a_denied_caller_changes_or_reads_nothing_by_any_route,
    s20_hidden_looks_like_absent,
    administrators_pass_on_the_server_itself
);

async fn with_one_of_each(engine: Engine) -> TestServer {
    let server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    server.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
    server
}

/// Every answer from now on is decided by this one word.
async fn decide(server: &mut TestServer, verdict: &str) {
    server.weir.kill();
    server.installation.set("WEIR__AUTHORIZATION__DEFAULT", verdict);
    server.restart().await;
}

/// Everything that the catalog holds, as its loads answer.
async fn state(server: &TestServer) -> Vec<Value> {
    let mut state = Vec::new();
    for path in ["/namespaces", "/namespaces/ns", "/namespaces/ns/tables", "/namespaces/ns/views"] {
        state.push(server.get(path).send().await.expect(200).json());
    }
    for path in ["/namespaces/ns/tables/t", "/namespaces/ns/views/v"] {
        state.push(server.get(path).send().await.expect(200).json()["metadata"].clone());
    }
    state.push(server.root.get("/management/v1/warehouse").send().await.expect(200).json());
    state
}

async fn s21_a_denied_caller_changes_or_reads_nothing_by_any_route(engine: Engine) {
    let mut server = with_one_of_each(engine).await;
    let before = state(&server).await;
    decide(&mut server, "deny").await;

    let mut answered = Vec::new();
    for api in ["catalog", "management"] {
        for (method, path) in routes(&server.installation, api) {
            let path = filled(&path, &server.prefix);
            if is_open(&path) {
                continue;
            }
            let ask = server.root.ask(method.clone(), &path);
            let ask = if [Method::POST, Method::PUT].contains(&method) { ask.json(&body(&path)) } else { ask };
            let answer = ask.send().await;
            // Who asks what he may do is told: nothing.
            if path.ends_with("/action/batch-check") && answer.text().contains("\"allowed\":false") {
                continue;
            }
            let leaks = String::from_utf8_lossy(&answer.bytes).contains("\"current-schema-id\"");
            if !(400..500).contains(&answer.status) || leaks {
                answered.push(format!("{method} {path}: {} {}", answer.status, answer.text()));
            }
        }
    }

    let empty = answered.iter().filter(|answer| !tells_nothing(answer)).cloned().collect::<Vec<_>>();
    assert!(empty.is_empty(), "denied, yet answered:\n{}", empty.join("\n"));
    decide(&mut server, "allow").await;
    assert_eq!(state(&server).await, before);
}

/// A listing that filtered everything away is an honest answer to somebody who may see nothing.
fn tells_nothing(answer: &str) -> bool {
    answer.contains(": 200 ") && (answer.contains("[]") || answer.contains("\"version\""))
}

async fn s20_hidden_looks_like_absent(engine: Engine) {
    let mut server = with_one_of_each(engine).await;
    decide(&mut server, "deny").await;

    for (there, not_there) in [
        ("/namespaces/ns", "/namespaces/zz"),
        ("/namespaces/ns/tables/t", "/namespaces/ns/tables/x"),
        ("/namespaces/ns/views/v", "/namespaces/ns/views/x"),
        ("/namespaces/ns/tables/t/credentials", "/namespaces/ns/tables/x/credentials"),
    ] {
        let hidden = server.get(there).send().await;
        let absent = server.get(not_there).send().await;
        assert_eq!(shape(&hidden, there), shape(&absent, not_there), "{there}");
    }
    let hidden = server.root.get("/catalog/v1/config?warehouse=default").send().await;
    let absent = server.root.get("/catalog/v1/config?warehouse=absent").send().await;
    assert_eq!((hidden.status, absent.status), (404, 404));
}

/// What a caller can compare: status, the names of the headers, the body without the name that was asked for.
fn shape(answer: &Answer, path: &str) -> (u16, Vec<String>, String) {
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    let name = path.trim_start_matches("/namespaces/").replace("/tables/", ".").replace("/views/", ".");
    let name = name.trim_end_matches("/credentials");
    let message = answer.json()["error"]["message"].as_str().expect("a message").replace(name, "?");
    (answer.status, headers, message)
}

async fn administrators_pass_on_the_server_itself(engine: Engine) {
    let mut server = with_one_of_each(engine).await;
    server.installation.set("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous");
    decide(&mut server, "deny").await;

    let info = server.root.get("/management/v1/info").send().await;
    let table = server.get("/namespaces/ns/tables/t").send().await;

    assert_eq!(info.expect(200).json()["authz-backend"], "deny-all");
    table.expect_error(404, "NoSuchTableException");
}
