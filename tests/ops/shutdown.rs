//! R21: a stop lets requests under way finish, then nothing else.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use weir::server::Stopped;

use crate::support::{Server, status};

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
            use tokio::io::AsyncWriteExt;
            stream.write_all(b"GET /hang HTTP/1.1\r\nhost: weir\r\n\r\n").await.unwrap();
            crate::support::read_to_end(&mut stream).await
        }
    }));
    server.hangs.notified().await;

    server.stop.cancel();

    assert_eq!(server.stopped.await.unwrap(), Stopped::Cut(1));
    assert!(tokio::time::timeout(Duration::from_millis(10), &mut client).await.is_err());
}
