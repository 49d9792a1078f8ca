//! Requests of guests to friendly, to hostile servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use weir::plugin::{Egress, Guest, GuestSettings, Limits};

use crate::ask::{ask, limits, settings, told, try_load};

/// A server that speaks by script: what it got, what it answers.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    last_head: Arc<tokio::sync::Mutex<String>>,
}

impl Server {
    /// Answers each request with these bytes, then, where told, goes on with a drip of bytes.
    async fn start(answer: Vec<u8>, drip: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let last_head = Arc::new(tokio::sync::Mutex::new(String::new()));
        let server = Self { address, connections: connections.clone(), last_head: last_head.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, answer.clone(), drip, last_head.clone()));
            }
        });
        server
    }

    async fn answering(answer: &str) -> Self {
        Self::start(answer.replace('\n', "\r\n").into_bytes(), false).await
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(mut stream: TcpStream, answer: Vec<u8>, drip: bool, last_head: Arc<tokio::sync::Mutex<String>>) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            *last_head.lock().await = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
            if stream.write_all(&answer).await.is_err() {
                return;
            }
            while drip && stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello";

async fn visiting(url: &str, origins: &[&str], allow_private: bool, limits: Limits) -> Arc<Guest> {
    with(json!({ "behaviour": "http", "url": url }), origins, allow_private, limits).await
}

async fn with(behaviour: Value, origins: &[&str], allow_private: bool, limits: Limits) -> Arc<Guest> {
    let egress = Egress { origins: origins.iter().map(|origin| (*origin).to_owned()).collect(), allow_private };
    try_load("guest", GuestSettings { egress, ..settings(behaviour, limits) }).await.expect("loads")
}

#[tokio::test]
async fn a_granted_origin_is_reached_over_one_connection() {
    let server = Server::answering(OK).await;
    let guest = visiting(&format!("{}/check", server.origin()), &[&server.origin()], true, limits()).await;
    for _ in 0..5 {
        assert_eq!(told(&guest).await, "status 200 with 5 bytes");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    let head = server.last_head.lock().await.clone();
    assert!(head.starts_with("GET /check HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("accept-encoding"), "{head}");
}

/// T18: private addresses need a grant of their own.
#[tokio::test]
async fn t18_loopback_is_reached_only_with_allow_private() {
    let server = Server::answering(OK).await;
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"] {
        let origin = format!("http://{host}:{port}");
        let guest = visiting(&origin, &[&origin], false, limits()).await;
        let reason = told(&guest).await;
        assert!(reason.contains("denied") && reason.contains("private"), "{host}: {reason}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 0);
}

/// T18, T19: link-local and metadata addresses are refused under any grant, in every spelling.
#[tokio::test]
async fn t18_metadata_addresses_are_refused_under_any_grant() {
    for host in [
        "169.254.169.254",
        "169.254.170.2",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "[64:ff9b::a9fe:a9fe]",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
    ] {
        let origin = format!("http://{host}");
        let guest = visiting(&origin, &[&origin], true, limits()).await;
        let reason = told(&guest).await;
        assert!(reason.contains("denied") && reason.contains("no grant covers"), "{host}: {reason}");
        assert_eq!(guest.stats().denied["http"], 1, "{host}");
    }
}

/// T20: a redirect is an answer, not an order.
#[tokio::test]
async fn t20_redirects_are_not_followed() {
    let elsewhere = Server::answering(OK).await;
    let redirect = format!("HTTP/1.1 307 Elsewhere\nlocation: {}/\ncontent-length: 0\n\n", elsewhere.origin());
    let server = Server::answering(&redirect).await;
    let guest = visiting(&server.origin(), &[&server.origin(), &elsewhere.origin()], true, limits()).await;
    assert_eq!(told(&guest).await, "status 307 with 0 bytes");
    assert_eq!(elsewhere.connections.load(Ordering::Relaxed), 0);
}

/// T21: the proxies of the host's environment are not for guests.
#[test]
fn t21_proxies_of_the_environment_are_not_used() {
    let test = std::env::current_exe().expect("a test knows its own path");
    let proxied = std::process::Command::new(test)
        .args(["--exact", "egress::a_granted_origin_is_reached_over_one_connection"])
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
        .output()
        .expect("the test runs once more");
    let told = String::from_utf8_lossy(&proxied.stdout);
    assert!(proxied.status.success() && told.contains("1 passed"), "{told}");
}

/// T22: bodies, headers, the time that they take are bounded.
#[tokio::test]
async fn t22_answers_are_bounded() {
    let gigabyte = Server::answering("HTTP/1.1 200 OK\ncontent-length: 1073741824\n\n").await;
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        200_000,
        "x".repeat(200_000)
    );
    let chunked = Server::start(chunked.into_bytes(), false).await;
    let wide = format!("HTTP/1.1 200 OK\r\nx-wide: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(100_000));
    let wide = Server::start(wide.into_bytes(), false).await;
    let many = format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "x-a: 1\r\n".repeat(100_000));
    let many = Server::start(many.into_bytes(), false).await;
    for (server, expected) in
        [(gigabyte, "too large"), (chunked, "too large"), (wide, "too large"), (many, "transport")]
    {
        let bounded = Limits { http_bytes_max: 100_000, ..limits() };
        let guest = visiting(&server.origin(), &[&server.origin()], true, bounded).await;
        let reason = told(&guest).await;
        assert!(reason.starts_with(expected), "{expected}: {reason}");
    }
}

/// T22: what is compressed stays so; there is nothing that could burst.
#[tokio::test]
async fn t22_nothing_is_inflated() {
    let server = Server::answering("HTTP/1.1 200 OK\ncontent-encoding: gzip\ncontent-length: 4\n\n....").await;
    let guest = visiting(&server.origin(), &[&server.origin()], true, limits()).await;
    assert_eq!(told(&guest).await, "status 200 with 4 bytes");
}

/// T4, T22: a server that drips or never answers is left at the deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t4_a_slow_server_does_not_outlast_the_deadline() {
    let silent = Server::start(Vec::new(), false).await;
    let dripping = Server::start(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_vec(), true).await;
    for server in [silent, dripping] {
        let hurried = Limits { deadline_ms: 300, ..limits() };
        let guest = visiting(&server.origin(), &[&server.origin()], true, hurried).await;
        let started = Instant::now();
        let fault = ask(&guest).await.expect_err("a tarpit");
        assert_eq!(fault.code(), "plugin_timeout");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

/// The guest's own timeout is kept as well, and it lives to tell.
#[tokio::test]
async fn t4_a_guest_can_wait_for_less() {
    let silent = Server::start(Vec::new(), false).await;
    let origin = silent.origin();
    let patient = json!({ "behaviour": "http", "url": origin, "timeout-ms": 50 });
    let guest = with(patient, &[&origin], true, limits()).await;
    assert_eq!(told(&guest).await, "timeout");
}

/// The wait for a connection is a part of what the guest is ready to wait: otherwise its call would be over before it hears.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t4_a_guest_does_not_wait_longer_where_connections_are_few() {
    let silent = Server::start(Vec::new(), false).await;
    let origin = silent.origin();
    let patient = json!({ "behaviour": "http", "url": origin, "timeout-ms": 3_000 });
    let guest = with(patient, &[&origin], true, Limits { http_connections_max: 1, ..limits() }).await;
    let waits: Vec<_> = (0..8)
        .map(|_| {
            let guest = guest.clone();
            tokio::spawn(async move { told(&guest).await })
        })
        .collect();
    for each in waits {
        assert_eq!(each.await.expect("no panic"), "timeout");
    }
}

/// A guest that waits for a server leaves the processor to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_that_wait_hold_nobody_up() {
    let silent = Server::start(Vec::new(), false).await;
    let waiting =
        visiting(&silent.origin(), &[&silent.origin()], true, Limits { deadline_ms: 3_000, ..limits() }).await;
    let waits: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let guest = waiting.clone();
                async move { ask(&guest).await }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let orderly = crate::ask::behaving("none").await;
    let started = Instant::now();
    ask(&orderly).await.expect("an answer");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    for each in waits {
        assert_eq!(each.await.expect("no panic").expect_err("a tarpit").code(), "plugin_timeout");
    }
}

/// T22: requests of one call are counted.
#[tokio::test]
async fn t22_requests_of_one_call_are_bounded() {
    let server = Server::answering(OK).await;
    let origin = server.origin();
    let flood = json!({ "behaviour": "http-flood", "url": origin, "count": 20 });
    let guest = with(flood, &[&origin], true, Limits { http_calls_max: 3, ..limits() }).await;
    assert_eq!(told(&guest).await, "denied: the requests of this call are used up");
}

/// T22: what was read of an answer that is too large is used up like any other.
#[tokio::test]
async fn t22_answers_that_come_to_nothing_count() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
    let length = 4 << 20;
    let large = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
        "x".repeat(length)
    );
    tokio::spawn(async move {
        for answer in [large, OK.replace('\n', "\r\n")] {
            let (stream, _) = listener.accept().await.expect("accepted");
            tokio::spawn(serve(stream, answer.into_bytes(), false, Arc::default()));
        }
    });
    let twice = json!({ "behaviour": "http-flood", "url": origin, "count": 2 });
    let guest = with(twice, &[&origin], true, Limits { http_bytes_max: 100_000, ..limits() }).await;
    assert_eq!(told(&guest).await, "too large");
}

/// T22: requests of all instances together are counted, too; who finds no free connection waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t22_connections_of_a_plugin_are_bounded() {
    let silent = Server::start(Vec::new(), false).await;
    let bounded = Limits { http_connections_max: 2, deadline_ms: 3_000, ..limits() };
    let guest = visiting(&silent.origin(), &[&silent.origin()], true, bounded).await;
    let waits: Vec<_> = (0..8)
        .map(|_| {
            let guest = guest.clone();
            tokio::spawn(async move { ask(&guest).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let connections = silent.connections.load(Ordering::Relaxed);
    for each in waits {
        assert_eq!(each.await.expect("no panic").expect_err("a tarpit").code(), "plugin_timeout");
    }
    assert!(connections <= 2, "{connections} connections while all of them wait");
}

/// T14: a header that would smuggle a line never leaves.
#[tokio::test]
async fn t14_a_smuggled_header_is_refused() {
    let server = Server::answering(OK).await;
    let origin = server.origin();
    for (name, value) in [("x-a", "1\r\nx-b: 2"), ("host", "elsewhere"), ("x a", "1"), ("content-length", "9")] {
        let smuggling = json!({ "behaviour": "http", "url": origin, "headers": [[name, value]] });
        let guest = with(smuggling, &[&origin], true, limits()).await;
        let reason = told(&guest).await;
        assert!(reason.starts_with("denied"), "{name}: {reason}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 0);
}
