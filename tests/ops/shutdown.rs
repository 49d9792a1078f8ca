//! R21: a stop lets requests under way finish, then nothing else.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use weir::server::Stopped;
use weir_tests::{Engine, TestServer, on_both_engines};

use crate::support::{Server, read_to_end, status};

on_both_engines![readiness_drops_before_the_port_closes];

/// Load balancers look away while what they still send is served, what is under way is finished.
async fn readiness_drops_before_the_port_closes(engine: Engine) {
    let mut server = TestServer::start_with(engine, &[("WEIR__SERVER__SHUTDOWN_DRAIN_S", "6")]).await;
    let mut under_way = TcpStream::connect(server.weir.url().trim_start_matches("http://")).await.unwrap();
    let body = r#"{"namespace":["late"]}"#;
    let head = format!(
        "POST /catalog/v1/{}/namespaces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.prefix,
        body.len()
    );
    under_way.write_all(head.as_bytes()).await.unwrap();

    server.weir.signal("TERM");
    let mut ready = server.root.get("/health/ready").send().await;
    while ready.status == 200 {
        ready = server.root.get("/health/ready").send().await;
    }

    assert_eq!(ready.expect(503).json()["reason"], "this server is stopping");
    server.root.get("/health").send().await.expect(503);
    server.root.get("/health/live").send().await.expect(200);
    server.get("/namespaces").send().await.expect(200);
    under_way.write_all(body.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut under_way).await;
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(tokio::task::block_in_place(|| server.weir.ended(Duration::from_secs(30))), Some(0));
}

#[tokio::test]
async fn a_request_under_way_is_finished() {
    let server = Server::start("").await;
    let (answer, ()) = tokio::join!(server.get("/hang", ""), async {
        server.hangs.notified().await;
        server.stop.cancel();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(TcpStream::connect(server.address).await.is_err(), "a stopping server takes no new connections");
        server.go_on.notify_one();
    });

    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(server.stopped.await.unwrap(), Stopped::Drained);
}

#[tokio::test]
async fn idle_connections_do_not_delay_the_stop() {
    let server = Server::start("").await;
    let _silent = server.connect().await;
    assert_eq!(status(&server.get("/health/live", "").await), 200);
    let started = Instant::now();

    server.stop.cancel();

    assert_eq!(server.stopped.await.unwrap(), Stopped::Drained);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn after_the_grace_the_rest_is_cut() {
    let server = Server::start("[server]\nshutdown_grace_s = 1").await;
    let mut client = tokio_util::task::AbortOnDropHandle::new(tokio::spawn({
        let address = server.address;
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /hang HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            crate::support::read_to_end(&mut stream).await
        }
    }));
    server.hangs.notified().await;

    server.stop.cancel();

    assert_eq!(server.stopped.await.unwrap(), Stopped::Cut(1));
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut client).await.is_err());
}
