//! The layers around every route: admission, time, panics, ids, CORS.

use std::time::Duration;

use crate::support::{Server, status};

const COMMIT: &str = "POST /catalog/v1/w/transactions/commit HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n";

#[tokio::test]
async fn every_answer_carries_a_request_id() {
    let server = Server::start("").await;

    let made = server.get("/health/live", "").await;
    let kept = server.get("/nowhere", "x-request-id: abc-123\r\n").await;
    let replaced = server.get("/health/live", "x-request-id: two words\r\n").await;

    assert!(made.contains("x-request-id: "), "{made}");
    assert!(kept.contains("x-request-id: abc-123\r\n"), "{kept}");
    assert!(!replaced.contains("two words"), "{replaced}");
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let server = Server::start("").await;

    let answer = server.get("/panic", "").await;

    assert_eq!(status(&answer), 500);
    assert!(answer.contains("InternalServerError") && !answer.contains("on purpose"), "{answer}");
    assert_eq!(status(&server.get("/health/live", "").await), 200);
}

/// R20: what is too much is refused at once, health stays truthful, the server recovers.
#[tokio::test]
async fn overload_is_shed_with_retry_after() {
    let server = Server::start("[server]\nrequests_max = 1").await;
    let (first, others) = tokio::join!(server.get("/hang", ""), async {
        server.hangs.notified().await;
        let shed = server.get("/hang", "").await;
        let commit = server.exchange(format!("{COMMIT}content-length: 0\r\n\r\n")).await;
        let health = server.get("/health/live", "").await;
        server.go_on.notify_one();
        [shed, commit, health]
    });
    let [shed, commit, health] = others;

    assert_eq!(status(&shed), 503, "{shed}");
    assert!(shed.contains("retry-after: 1\r\n"), "{shed}");
    assert_eq!(status(&commit), 429, "nothing was committed, so no 5xx: {commit}");
    assert!(commit.contains("retry-after: "), "{commit}");
    assert_eq!(status(&health), 200);
    assert_eq!(status(&first), 200);
    server.go_on.notify_one();
    assert_eq!(status(&server.get("/hang", "").await), 200, "it must recover");
}

#[tokio::test]
async fn a_request_over_its_time_answers_408() {
    let server = Server::start("[server]\nrequest_timeout_s = 1").await;

    let answer = server.get("/hang", "").await;

    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test]
async fn a_commit_that_never_arrived_whole_answers_429() {
    let server = Server::start("[server]\nrequest_timeout_s = 1").await;

    let answer = server.exchange(format!("{COMMIT}content-length: 9\r\n\r\n{{")).await;

    assert_eq!(status(&answer), 429, "{answer}");
}

/// Java deletes the files of a commit that failed for certain; of this one nobody knows.
#[tokio::test]
async fn a_commit_over_its_time_is_of_unknown_outcome() {
    let server = Server::start("[server]\nrequest_timeout_s = 1").await;

    let answer = server.exchange(format!("{COMMIT}content-length: 2\r\n\r\n{{}}")).await;

    assert_eq!(status(&answer), 500, "{answer}");
    assert!(answer.contains("CommitStateUnknownException"), "{answer}");
}

/// A client that went away frees its place.
#[tokio::test]
async fn a_client_that_hangs_up_frees_its_place() {
    let server = Server::start("[server]\nrequests_max = 1").await;
    let client = tokio::time::timeout(Duration::from_millis(300), server.get("/hang", "")).await;
    assert!(client.is_err());

    let mut answer = server.get("/base-url", "").await;
    for _ in 0..100 {
        if status(&answer) == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = server.get("/base-url", "").await;
    }

    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test]
async fn configured_origins_may_call_from_a_web_page() {
    let server = Server::start("[server.cors]\norigins = [\"https://console.example\"]").await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: x-project-id\r\n\r\n"
        )
    };

    let friend = server.exchange(preflight("https://console.example")).await;
    let stranger = server.exchange(preflight("https://evil.example")).await;

    assert!(friend.contains("access-control-allow-origin: https://console.example"), "{friend}");
    assert!(friend.contains("access-control-allow-headers: x-project-id"), "{friend}");
    assert!(!stranger.contains("access-control-allow-origin"), "{stranger}");
}

#[tokio::test]
async fn no_web_page_may_call_by_default() {
    let server = Server::start("").await;

    let answer = server.get("/health/live", "origin: https://console.example\r\n").await;

    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
}
