//! More than the server can do at once.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use weir_tests::{Engine, TestServer, bodies, on_both_engines};

on_both_engines!(
    r19_a_thousand_identical_loads_get_one_answer,
    r20_overload_is_shed_with_a_time_to_come_back,
    b5_ten_thousand_updates_in_one_commit_are_answered
);

const TABLE: &str = "/namespaces/ns/tables/t";

async fn with_table(engine: Engine, settings: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_with(engine, settings).await;
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    server
}

async fn r19_a_thousand_identical_loads_get_one_answer(engine: Engine) {
    // What is asked for is one answer, not a quick one.
    let settings = [("WEIR__SERVER__REQUESTS_MAX", "2000"), ("WEIR__STORE__ACQUIRE_TIMEOUT_MS", "25000")];
    let mut server = with_table(engine, &settings).await;
    server.weir.kill();
    server.restart().await;

    let answers = join_all((0..1_000).map(|_| server.get(TABLE).send())).await;

    let first = answers[0].bytes.clone();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.bytes == first));
}

async fn r20_overload_is_shed_with_a_time_to_come_back(engine: Engine) {
    let server = with_table(engine, &[("WEIR__SERVER__REQUESTS_MAX", "2")]).await;

    let answers = join_all((0..200).map(|number| {
        let commit = bodies::commit(json!([]), bodies::set_property("n", &number.to_string()));
        if number % 2 == 0 { server.get(TABLE) } else { server.post(TABLE, commit) }.send()
    }))
    .await;

    for (number, answer) in answers.iter().enumerate() {
        let shed = if number % 2 == 0 { [503, 200, 200] } else { [429, 200, 409] };
        assert!(shed.contains(&answer.status), "{}: {}", answer.status, answer.text());
        assert!(answer.status < 429 || answer.header("retry-after").is_some());
    }
    server.root.get("/health/live").send().await.expect(200);
    let calm = Instant::now();
    server.get(TABLE).send().await.expect(200);
    assert!(calm.elapsed() < Duration::from_secs(5));
}

async fn b5_ten_thousand_updates_in_one_commit_are_answered(engine: Engine) {
    let server = with_table(engine, &[]).await;
    let updates: Vec<_> = (0..10_000)
        .map(|number| json!({ "action": "set-properties", "updates": { format!("k{}", number % 100): number.to_string() } }))
        .collect();

    let started = Instant::now();
    let answer = server.post(TABLE, bodies::commit(json!([]), json!(updates))).send().await;

    assert!(answer.status == 200 || answer.status == 400, "{}: {}", answer.status, answer.text());
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
}
