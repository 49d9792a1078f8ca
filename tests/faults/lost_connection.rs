//! Connections to Postgres that break: in the middle of COMMIT, for a while, for ever.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::{Engine, Fault, Installation, Proxy, TestServer, bodies, run_on};

const TABLE: &str = "/namespaces/ns/tables/t";

async fn behind_proxy() -> (TestServer, Proxy) {
    // Background work commits as well, and would take the fault that is meant for the request.
    let settings = [("WEIR__STORE__ACQUIRE_TIMEOUT_MS", "1000"), ("WEIR__TASKS__ENABLED", "false")];
    let mut installation = Installation::create(Engine::Postgres, &settings).await;
    let url = installation.database_url().to_owned();
    let proxy = Proxy::start(&url).await;
    installation.reach_store_by(&proxy.url(&url));
    let server = TestServer::over(installation).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    (server, proxy)
}

async fn commit(server: &TestServer, value: &str) -> weir_tests::Answer {
    server.post(TABLE, bodies::commit(json!([]), bodies::set_property("a", value))).send().await
}

fn files(loaded: &Value) -> usize {
    let location = loaded["metadata-location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    std::fs::read_dir(Path::new(&location).parent().expect("a folder")).expect("the folder is there").count()
}

#[test]
fn r8_a_commit_whose_answer_is_lost_is_unknown_yet_done() {
    run_on(Engine::Postgres, |_| async {
        let (server, proxy) = behind_proxy().await;
        proxy.strike(Fault::AnswerLost);

        let answer = commit(&server, "1").await;

        assert!(proxy.has_struck(), "the proxy saw no COMMIT");
        answer.expect_error(500, "CommitStateUnknownException");
        let loaded = server.get(TABLE).send().await.expect(200).json();
        assert_eq!(loaded["metadata"]["properties"]["a"], "1");
        assert_eq!(files(&loaded), 2);
    });
}

#[test]
fn r8_a_commit_that_never_arrived_is_unknown_yet_keeps_its_file() {
    run_on(Engine::Postgres, |_| async {
        let (server, proxy) = behind_proxy().await;
        proxy.strike(Fault::CommitLost);

        let answer = commit(&server, "1").await;

        assert!(proxy.has_struck(), "the proxy saw no COMMIT");
        answer.expect_error(500, "CommitStateUnknownException");
        let loaded = server.get(TABLE).send().await.expect(200).json();
        assert_eq!(loaded["metadata"]["properties"].get("a"), None);
        assert_eq!(files(&loaded), 2, "nobody may delete what may have been committed");
        commit(&server, "2").await.expect(200);
    });
}

#[test]
fn r22_a_store_that_is_gone_costs_readiness_not_liveness() {
    run_on(Engine::Postgres, |_| async {
        let (server, proxy) = behind_proxy().await;
        proxy.strike(Fault::Unreachable);

        let load = server.get(TABLE).send().await;
        let commit = commit(&server, "1").await;
        let ready = server.root.get("/health/ready").send().await;
        server.root.get("/health/live").send().await.expect(200);

        assert_eq!((load.status, commit.status, ready.status), (503, 429, 503), "{} {}", load.text(), commit.text());
        assert!(load.header("retry-after").is_some() && commit.header("retry-after").is_some());
        proxy.strike(Fault::None);
        recovers(&server).await;
    });
}

async fn recovers(server: &TestServer) {
    for _ in 0..200 {
        if server.get(TABLE).send().await.status == 200 {
            server.root.get("/health/ready").send().await.expect(200);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not recover when its store is back");
}
