//! An open catalog on loopback is not reached by pages in a browser, whatever name they give it.

use crate::support::{Server, status};

const ECHO: &str = "POST /echo HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n";

/// What `POST /echo` answers to these header lines.
async fn echo(server: &Server, headers: &str) -> String {
    server.exchange(format!("{ECHO}{headers}\r\n\r\nhi")).await
}

#[tokio::test]
async fn a_name_that_is_not_ours_answers_421() {
    let server = Server::start("").await;

    for host in ["evil.example", "evil.example:8181", "localhost.evil.example", "127.0.0.1.evil.example", "a b"] {
        let answer = echo(&server, &format!("host: {host}")).await;

        assert_eq!(status(&answer), 421, "{host}: {answer}");
        assert!(answer.contains("MisdirectedRequestException") && answer.contains("server.hosts"), "{answer}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
}

#[tokio::test]
async fn a_name_in_the_target_counts_as_well() {
    let server = Server::start("").await;
    let head = "POST http://evil.example/echo HTTP/1.1\r\nconnection: close\r\ncontent-length: 2\r\n";

    let answer = server.exchange(format!("{head}host: localhost\r\n\r\nhi")).await;

    assert_eq!(status(&answer), 421, "{answer}");
}

#[tokio::test]
async fn localhost_and_addresses_are_our_names() {
    let server = Server::start("").await;

    for host in ["localhost", "LocalHost:8181", "weir.localhost", "127.0.0.1:8181", "[::1]:8181", "192.168.7.7"] {
        let answer = echo(&server, &format!("host: {host}")).await;

        assert_eq!(status(&answer), 200, "{host}: {answer}");
    }
}

#[tokio::test]
async fn the_base_url_and_further_hosts_are_our_names() {
    let text = "[server]\nbase_url = \"https://catalog.example:8443/weir\"\nhosts = [\"lake.internal\"]";
    let server = Server::start(text).await;

    for (host, expected) in [("Catalog.Example", 200), ("lake.internal:80", 200), ("internal", 421)] {
        let answer = echo(&server, &format!("host: {host}")).await;

        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
}

#[tokio::test]
async fn a_catalog_that_asks_who_calls_goes_by_any_name() {
    for text in ["[auth]\nanonymous = \"never\"", "[server]\nhosts = [\"*\"]"] {
        let server = Server::start(text).await;

        let answer = echo(&server, "host: lake.example").await;

        assert_eq!(status(&answer), 200, "{text}: {answer}");
    }
}

#[tokio::test]
async fn configured_hosts_count_everywhere() {
    let server = Server::start("[auth]\nanonymous = \"never\"\n[server]\nhosts = [\"lake.example\"]").await;

    assert_eq!(status(&echo(&server, "host: lake.example").await), 200);
    assert_eq!(status(&echo(&server, "host: evil.example").await), 421);
}

/// A plain form needs no leave from CORS to be sent, only to read the answer.
#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let server = Server::start("[server.cors]\norigins = [\"https://console.example\"]").await;
    let from = |origin: &str| format!("host: localhost\r\norigin: {origin}");

    for (origin, expected) in
        [("https://evil.example", 403), ("null", 403), ("https://console.example", 200), ("http://localhost:3000", 200)]
    {
        let answer = echo(&server, &from(origin)).await;

        assert_eq!(status(&answer), expected, "{origin}: {answer}");
    }
}

/// Probes call a pod by whatever name they like.
#[tokio::test]
async fn health_is_told_under_any_name() {
    let server = Server::start("").await;

    let answer = server.exchange("GET /health/live HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").await;

    assert_eq!(status(&answer), 200, "{answer}");
}
