//! Processes that are killed while they write.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use weir_tests::tools::is_full_lane;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    r5_a_killed_server_keeps_what_it_acknowledged_once,
    r5_a_lost_metadata_file_is_restored_from_the_document,
    r21_a_terminated_server_finishes_what_it_began
);

const TABLE: &str = "/namespaces/ns/tables/t";

fn commit(number: usize) -> Value {
    bodies::commit(json!([]), bodies::set_property(&format!("k{number}"), "done"))
}

/// Kills the process at an arbitrary moment of a stream of commits; whoever got no answer asks again by the same key.
async fn r5_a_killed_server_keeps_what_it_acknowledged_once(engine: Engine) {
    let mut server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let kills = if is_full_lane() { 20 } else { 4 };
    let mut number = 0;

    for kill in 0..kills {
        let catalog = server.catalog.clone();
        let first = number;
        let stream = tokio::spawn(async move {
            let mut number = first;
            loop {
                let key = Uuid::new_v4().to_string();
                match catalog.post(TABLE, commit(number)).header("Idempotency-Key", &key).try_send().await {
                    Some(answer) => assert_eq!(answer.status, 200, "{}", answer.text()),
                    None => return (number, key),
                }
                number += 1;
            }
        });
        tokio::time::sleep(Duration::from_millis(40 + 13 * kill)).await;
        server.weir.kill();
        let (unanswered, key) = stream.await.expect("every answer was a success");
        server.restart().await;
        server.post(TABLE, commit(unanswered)).header("Idempotency-Key", &key).send().await.expect(200);
        number = unanswered + 1;
    }

    let loaded = server.get(TABLE).send().await.expect(200).json();
    let properties = loaded["metadata"]["properties"].as_object().expect("properties");
    let missing: Vec<usize> = (0..number).filter(|each| !properties.contains_key(&format!("k{each}"))).collect();
    assert_eq!(missing, Vec::<usize>::new(), "acknowledged commits are gone");
    let file = file(&loaded);
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    assert_eq!(name.split('-').next(), Some(format!("{number:05}").as_str()), "each commit happened once");
    let written: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("the pointer does not dangle")).expect("JSON");
    assert_eq!(written, loaded["metadata"]);
}

fn file(loaded: &Value) -> PathBuf {
    let location = loaded["metadata-location"].as_str().expect("a location");
    PathBuf::from(location.strip_prefix("file://").expect("a local file"))
}

async fn r5_a_lost_metadata_file_is_restored_from_the_document(engine: Engine) {
    let mut server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    let short = server.create_table("ns", "short").await;
    let gone = server.create_table("ns", "gone").await;
    server.weir.kill();
    std::fs::write(file(&short), b"{").expect("the file is cut");
    std::fs::remove_file(file(&gone)).expect("the file is removed");

    server.restart().await;

    for (name, created) in [("short", &short), ("gone", &gone)] {
        let loaded = server.get(&format!("/namespaces/ns/tables/{name}")).send().await.expect(200).json();
        assert_eq!(loaded["metadata"], created["metadata"]);
        let restored = restored(&file(created)).await;
        assert_eq!(restored, created["metadata"], "{name}");
    }
}

/// The file's JSON as soon as it is whole; repair may be the work of a moment after the start.
async fn restored(path: &std::path::Path) -> Value {
    for _ in 0..6_000 {
        let bytes = std::fs::read(path).unwrap_or_default();
        if let Ok(value) = serde_json::from_slice(&bytes) {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} is not restored", path.display());
}

async fn r21_a_terminated_server_finishes_what_it_began(engine: Engine) {
    let mut server = TestServer::start(engine).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    let catalog = server.catalog.clone();
    let stream = tokio::spawn(async move {
        let mut number = 0;
        while let Some(answer) = catalog.post(TABLE, commit(number)).try_send().await {
            assert!([200, 429].contains(&answer.status), "{}: {}", answer.status, answer.text());
            number += usize::from(answer.status == 200);
        }
        number
    });
    tokio::time::sleep(Duration::from_millis(150)).await;

    let code = tokio::task::block_in_place(|| server.weir.terminate(Duration::from_secs(20)));

    assert_eq!(code, Some(0));
    let acknowledged = stream.await.expect("no request under way was answered with a failure");
    server.restart().await;
    let loaded = server.get(TABLE).send().await.expect(200).json();
    let properties = loaded["metadata"]["properties"].as_object().expect("properties");
    assert_eq!(properties.keys().filter(|key| key.starts_with('k')).count(), acknowledged);
}
