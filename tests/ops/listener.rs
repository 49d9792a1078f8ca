//! B1, B2: what a hostile client may send, how long it may take.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::support::{Server, read_to_end, status};

const SHORT: &str = "[server]\nheader_timeout_s = 1";

/// B1: 64 KB of header.
#[tokio::test]
async fn a_header_beyond_the_limit_is_refused() {
    let server = Server::start("[server]\nheader_bytes_max = 8192").await;

    let answer = server.get("/health/live", &format!("x-long: {}\r\n", "x".repeat(64 * 1024))).await;

    assert_eq!(status(&answer), 431, "{answer}");
}

/// B1: 10,000 headers.
#[tokio::test]
async fn too_many_headers_are_refused() {
    for limit in ["", "[server]\nheaders_max = 32"] {
        let server = Server::start(limit).await;

        let answer = server.get("/health/live", &"x-a: 1\r\n".repeat(10_000)).await;

        assert_eq!(status(&answer), 431, "{answer}");
    }
}

/// B1: slowloris, one header byte at a time.
#[tokio::test]
async fn headers_that_never_end_close_the_connection() {
    let server = Server::start(SHORT).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
    let started = Instant::now();

    let answer = read_to_end(&mut stream).await;

    assert!([0, 408].contains(&status(&answer)), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// B1: a connection that says nothing, or only begins to speak HTTP/2.
#[tokio::test]
async fn silence_closes_the_connection() {
    let server = Server::start(SHORT).await;
    for start in ["", "PRI * HTTP"] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();

        assert_eq!(status(&read_to_end(&mut stream).await), 0);
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_header_timeout() {
    let server = Server::start(SHORT).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();

    let answer = read_to_end(&mut stream).await;

    assert_eq!(status(&answer), 200, "{answer}");
}

/// B1: 33 MB of body.
#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let server = Server::start("").await;

    let answer = server.exchange("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 34603008\r\n\r\n").await;

    assert_eq!(status(&answer), 413, "{answer}");
    assert!(answer.contains("PayloadTooLargeException"), "{answer}");
    assert!(answer.contains("33554432"), "{answer}");
}

/// B1: a chunked body without end.
#[tokio::test]
async fn an_endless_chunked_body_is_cut_at_the_limit() {
    let server = Server::start("[server]\nbody_bytes_max = 2048").await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let head = "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";

    let answer = server.exchange(format!("{head}{}", chunk.repeat(8))).await;

    assert_eq!(status(&answer), 413, "{answer}");
}

/// B1: a body that trickles.
#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_answers_408() {
    let server = Server::start("[server]\nrequest_timeout_s = 1\nheader_timeout_s = 2").await;

    let answer = server.exchange("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nxx").await;

    assert_eq!(status(&answer), 408, "{answer}");
    assert!(answer.contains("RequestTimeoutException"), "{answer}");
}

/// B2: a length beside chunks. Chunks count (RFC 9112, section 6.3), then the connection ends: whatever follows could
/// have been a body to the proxy before us.
#[tokio::test]
async fn no_request_is_smuggled_behind_a_body_of_two_lengths() {
    let server = Server::start("").await;
    for lengths in
        ["content-length: 5\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"]
    {
        let head = format!("POST /echo HTTP/1.1\r\nhost: localhost\r\n{lengths}\r\n\r\n");

        let answer = server.exchange(format!("{head}0\r\n\r\nGET /base-url HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;

        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
}

/// B2: lengths that differ, bare line feeds, folded headers, lists of encodings, a gap before the colon.
#[tokio::test]
async fn requests_that_proxies_read_differently_are_refused() {
    let server = Server::start("").await;
    let heads = [
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: +5\r\n\r\nhello",
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-a: 1\r\n folded\r\n\r\n",
        "POST /echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /health/live HTTP/1.1\r\nhost: we\0ir\r\n\r\n",
    ];

    for head in heads {
        let answer = server.exchange(head).await;
        assert_eq!(status(&answer), 400, "{head:?} was answered with {answer:?}");
    }
}
