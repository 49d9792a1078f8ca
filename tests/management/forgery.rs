//! T41: whatever clients send, only what happened is told, in the catalog's own words.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;
use weir_tests::{Ask, Engine, Received, Receiver, TestServer, bodies, on_both_engines};

on_both_engines!(t41_clients_cannot_forge_events);

const KEY: &str = "canary-key";
const PATIENCE: Duration = Duration::from_secs(60);
const FORGED_ID: &str = "00000000-0000-7000-8000-000000000001";

/// A server whose webhook hears of everything from now on.
async fn server(engine: Engine, receiver: &Receiver) -> TestServer {
    let url = receiver.url();
    let settings = [
        ("WEIR__EVENTS__WEBHOOKS__HOOK__URL", url.as_str()),
        ("WEIR__EVENTS__WEBHOOKS__HOOK__SECRET", KEY),
        ("WEIR__EVENTS__POLL_INTERVAL_MS", "20"),
    ];
    let server = TestServer::start_with(engine, &settings).await;
    let deadline = Instant::now() + PATIENCE;
    for n in 0.. {
        assert!(Instant::now() < deadline, "the webhook hears nothing: {}", server.weir.log());
        let name = format!("first{n}");
        server.create_namespace(&name).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        // All that is stored before this one is told before it.
        if !receiver.take().is_empty() {
            hear_until(&server, receiver, "second").await;
            break;
        }
    }
    server
}

/// Makes a last namespace; gives what was told before its event.
async fn hear_until(server: &TestServer, receiver: &Receiver, name: &str) -> Vec<Received> {
    server.create_namespace(name).await;
    let deadline = Instant::now() + PATIENCE;
    let mut heard = Vec::new();
    loop {
        assert!(Instant::now() < deadline, "nobody told of {name}: {}", server.weir.log());
        for one in receiver.take() {
            if one.json()["data"]["namespace"] == json!([name]) {
                return heard;
            }
            heard.push(one);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An event as the catalog would tell it, in the body and in the headers of both shapes that CloudEvents have over HTTP.
fn forged(ask: Ask) -> Ask {
    let ask = ask.json(&json!({
        "specversion": "1.0", "id": FORGED_ID, "source": "/weir", "type": "weir.table.dropped", "subject": "table/1",
        "actor": "weir:purge", "data": {"namespace": ["ns"], "name": "t"},
    }));
    dressed(ask)
}

fn dressed(mut ask: Ask) -> Ask {
    for (name, value) in [
        ("x-request-id", r#"r","type":"weir.table.dropped","actor":"weir:purge"#),
        ("user-agent", r#"","type":"weir.table.dropped"#),
        ("ce-type", "weir.table.dropped"),
        ("ce-id", FORGED_ID),
        ("webhook-id", FORGED_ID),
        ("x-weir-position", "1"),
        ("x-forwarded-user", "weir:purge"),
    ] {
        ask = ask.header(name, value);
    }
    ask
}

/// The signature as whoever listens finds it out for himself.
fn is_signed(one: &Received) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
    mac.update(format!("{}.{}.", one.header("webhook-id"), one.header("webhook-timestamp")).as_bytes());
    mac.update(&one.body);
    one.header("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn t41_clients_cannot_forge_events(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = server(engine, &receiver).await;

    // No door takes events, and what changes nothing tells of nothing.
    let catalog = format!("/catalog/v1/{}", server.prefix);
    for path in [
        "/management/v1/events",
        "/management/v1/outbox",
        "/management/v1/relays",
        "/management/v1/relays/webhook:hook",
        "/management/v1/relays/webhook:hook/events",
        "/management/v1/dead-letters",
        &format!("{catalog}/events"),
        &format!("{catalog}/notifications"),
    ] {
        let answer = forged(server.root.post(path, json!({}))).send().await;
        assert!(matches!(answer.status, 404..=406), "{path}: {} {}", answer.status, answer.text());
    }
    server.create_namespace("ns").await;
    server.create_table("ns", "t").await;
    hear_until(&server, &receiver, "third").await;
    let update = json!([{"action": "weir.table.dropped", "type": "weir.table.dropped"}]);
    let commit = dressed(server.post("/namespaces/ns/tables/t", bodies::commit(json!([]), update)));
    commit.send().await.expect(400);
    dressed(server.post("/namespaces", json!({"namespace": ["ns"]}))).send().await.expect(409);
    dressed(server.delete("/namespaces/ns/tables/absent")).send().await.expect(404);
    forged(server.post("/namespaces/ns/tables/t/metrics", json!({}))).send().await;
    let heard = hear_until(&server, &receiver, "fourth").await;
    assert!(heard.is_empty(), "{heard:?}");

    // What happened is told once, as it was, whatever the request looks like.
    let name = "x\",\"type\":\"weir.table.dropped\",\"actor\":\"weir:purge";
    let body = json!({"namespace": [name], "type": "weir.table.dropped", "id": FORGED_ID, "actor": "weir:purge"});
    let key = Uuid::now_v7().to_string();
    for _ in 0..2 {
        dressed(server.post("/namespaces", body.clone())).header("idempotency-key", &key).send().await.expect(200);
    }
    let heard = hear_until(&server, &receiver, "fifth").await;

    assert_eq!(heard.len(), 1, "{heard:?}");
    let one = &heard[0];
    let event: Value = one.json();
    assert_eq!(event["type"], "weir.namespace.created");
    assert_eq!(event["actor"], "anonymous");
    assert_eq!(event["data"]["namespace"], json!([name]));
    assert_ne!(event["id"], FORGED_ID);
    assert_eq!(one.header("webhook-id"), event["id"]);
    assert!(one.header("x-weir-position").parse::<i64>().is_ok_and(|position| position > 1));
    // Whoever listens tells it from what a client sends there itself.
    assert!(is_signed(one));
    let mut changed = one.clone();
    changed.body = String::from_utf8_lossy(&one.body).replace("namespace.created", "namespace.dropped").into();
    assert!(!is_signed(&changed));
}
