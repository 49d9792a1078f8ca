//! Traces reach a collector.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use weir_tests::{Engine, TestServer};

type Received = Arc<Mutex<Vec<(Option<String>, Bytes)>>>;

async fn receive(State(received): State<Received>, headers: HeaderMap, body: Bytes) {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    received.lock().unwrap().push((authorization, body));
}

/// A collector: its address with what it got.
async fn collector() -> (String, Received) {
    let received = Received::default();
    let router = Router::new().route("/v1/traces", post(receive)).with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_traced_as_part_of_the_caller_s_trace() {
    let (url, received) = collector().await;
    let settings = [("WEIR__TRACES__ENDPOINT", url.as_str()), ("WEIR__TRACES__AUTHORIZATION", "Bearer canary-31c9")];
    let mut server = TestServer::start_with(Engine::Sqlite, &settings).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");

    server.get("/namespaces").header("traceparent", &parent).send().await.expect(200);
    assert_eq!(server.weir.terminate(Duration::from_secs(20)), Some(0));

    let received = received.lock().unwrap();
    let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(received.iter().any(|(_, body)| contains(body, &id)), "{} batches", received.len());
    assert!(received.iter().all(|(authorization, _)| authorization.as_deref() == Some("Bearer canary-31c9")));
    assert!(!server.weir.log().contains("canary-31c9"), "{}", server.weir.log());
}
