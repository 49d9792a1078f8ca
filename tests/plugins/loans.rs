//! The loans of the host: log, secrets, cache, their budgets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::Level;
use weir::plugin::{GuestSettings, Limits, Secret, Secrets};

use crate::ask::{ask, behaving, guest, limits, settings, told, try_load};

/// What the host logged.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn listening() -> (Sink, tracing::subscriber::DefaultGuard) {
    let sink = Sink::default();
    let of_writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_writer(move || of_writer.clone())
        .finish();
    (sink, tracing::subscriber::set_default(subscriber))
}

/// T14: a guest's line says who wrote it, for which request, and is one line.
#[tokio::test]
async fn t14_a_guest_logs_one_tagged_line_without_control_characters() {
    let guest = guest(json!({ "behaviour": "log", "text": "hello\u{1b}[2J\nlevel=ERROR forged" }), limits()).await;
    let (sink, _guard) = listening();
    ask(&guest).await.expect("an answer");
    let text = sink.text();
    let line = text.lines().find(|line| line.contains("hello")).expect("the line is there");
    assert!(line.contains("forged") && !text.contains('\u{1b}'), "{text:?}");
    assert!(line.contains("under-test") && line.contains("req-1"), "{line}");
}

/// P7: a flood of lines is dropped, counted, told.
#[tokio::test]
async fn p7_a_flood_of_lines_stays_within_its_rate() {
    let flood = json!({ "behaviour": "log-flood", "count": 2_000, "bytes": 1_000 });
    let guest = guest(flood, Limits { log_bytes_per_second: 10_000, ..limits() }).await;
    let (sink, _guard) = listening();
    ask(&guest).await.expect("an answer");
    let written = sink.text().len();
    assert!(written < 200_000, "{written} bytes were written");
    assert!(guest.stats().log_lines_dropped > 1_000, "{}", guest.stats().log_lines_dropped);
}

/// T26, I7: no other name leads to a secret.
#[tokio::test]
async fn t26_a_guest_sees_its_own_secrets_by_local_name_only() {
    let secrets = Secrets::from([("api-token".to_owned(), Secret::new(b"canary-5", true))]);
    for name in ["other", "", "../api-token", "API-TOKEN", "api\u{2010}token", "api-token\0", "under-test/api-token"] {
        let asking = json!({ "behaviour": "reveal", "secret": name });
        let granted = GuestSettings { secrets: secrets.clone(), ..settings(asking, limits()) };
        let guest = try_load("guest", granted).await.expect("loads");
        let reason = told(&guest).await;
        assert!(reason.contains("not-granted") && !reason.contains("canary"), "{name:?}: {reason}");
        assert_eq!(guest.stats().denied["secret"], 1);
    }
}

#[tokio::test]
async fn a_secret_is_revealed_only_with_a_grant_of_its_own() {
    for (reveal, expected) in [(false, "not revealed: not-granted"), (true, "revealed canary-5")] {
        let secrets = Secrets::from([("api-token".to_owned(), Secret::new(b"canary-5", reveal))]);
        let granted = GuestSettings { secrets, ..settings(json!({ "behaviour": "reveal" }), limits()) };
        let guest = try_load("guest", granted).await.expect("loads");
        let reason = told(&guest).await;
        assert!(reason.starts_with(expected), "{reason}");
    }
}

/// A guest that does nothing but call the host is stopped by a budget of its own.
#[tokio::test]
async fn host_calls_have_a_budget() {
    let guest =
        guest(json!({ "behaviour": "host-calls", "count": 1_001 }), Limits { host_calls_max: 1_000, ..limits() }).await;
    let fault = ask(&guest).await.expect_err("too many");
    assert_eq!(fault.code(), "host_calls_exceeded");
    let within = behaving("host-calls").await;
    ask(&within).await.expect("ten thousand are within the default");
}

/// The cache forgets rather than grows.
#[tokio::test]
async fn a_flood_of_cache_entries_is_harmless() {
    let flood = json!({ "behaviour": "cache-flood", "count": 5_000, "bytes": 10_000 });
    let guest = guest(flood, Limits { cache_bytes_max: 1 << 20, ..limits() }).await;
    ask(&guest).await.expect("an answer");
}

/// T45, T16: a guest with no grants gets nowhere, with whatever it tries.
#[tokio::test]
async fn t16_without_grants_every_way_out_is_closed() {
    let (sink, _guard) = listening();
    let guest = guest(json!({ "behaviour": "exfiltrate", "url": "http://127.0.0.1:9/" }), limits()).await;
    let reason = told(&guest).await;
    assert_eq!(reason.matches("denied: `http://127.0.0.1:9` is not granted").count(), 2, "{reason}");
    assert_eq!(guest.stats().denied["http"], 2);
    assert!(!sink.text().contains('\u{1b}'));
}
