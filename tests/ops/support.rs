//! A server on a free port, spoken to in raw bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weir::api::edge;
use weir::config::Config;
use weir::server::{self, Listener, Stopped, Tls};

/// A server whose routes do what tests need: echo, hang until told, panic.
pub struct Server {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub stopped: JoinHandle<Stopped>,
    /// Lets one request to `/hang` go on.
    pub go_on: Arc<Notify>,
    /// Told when a request has reached `/hang`.
    pub hangs: Arc<Notify>,
}

#[derive(Clone)]
struct Gates {
    go_on: Arc<Notify>,
    hangs: Arc<Notify>,
}

/// The configuration of a test, as an operator would write it.
pub fn config(text: &str) -> Config {
    Config::read(Some(&weir::config::File::new("weir.toml", text)), []).unwrap()
}

impl Server {
    pub async fn start(text: &str) -> Self {
        let config = config(text);
        let gates = Gates { go_on: Arc::default(), hangs: Arc::default() };
        let tls = config.server.tls.as_ref().map(|tls| Tls::load(&tls.certificate, &tls.key).unwrap());
        let listener = Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), tls.clone()).await.unwrap();
        let address = listener.address().unwrap();
        let stop = CancellationToken::new();
        if let (Some(tls), Some(section)) = (tls.clone(), &config.server.tls) {
            tokio::spawn(tls.follow_files(Duration::from_secs(section.reload_interval_s), stop.clone()));
        }
        let service = edge::layers(router(&config, gates.clone()), &config);
        let stopped = tokio::spawn(server::serve(listener, edge::limits(&config.server), service, stop.clone()));
        Self { address, stop, stopped, go_on: gates.go_on, hangs: gates.hangs }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a connection of their own and reads until the server closes it.
    pub async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(bytes.as_ref()).await;
        read_to_end(&mut stream).await
    }

    /// `GET path` with further header lines.
    pub async fn get(&self, path: &str, headers: &str) -> String {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")).await
    }
}

pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is as good an end as any.
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server keeps the connection; so far it said {:?}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a raw answer; 0 where the connection was closed without one.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

const COMMIT: &str = "/catalog/v1/{prefix}/transactions/commit";

fn router(config: &Config, gates: Gates) -> Router {
    let server = config.server.clone();
    let base_url = move |request: Request| {
        let edge::PublicUrl(url) = edge::PublicUrl::of(&request.into_parts().0, &server);
        async move { url.unwrap_or_else(|| "untold".to_owned()) }
    };
    Router::new()
        .route("/health/live", get(|| async { "alive" }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/base-url", get(base_url))
        .route("/panic", get(panics))
        .route("/hang", get(hang))
        .route(COMMIT, post(commit))
        .with_state(gates)
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

async fn hang(State(gates): State<Gates>) -> &'static str {
    gates.hangs.notify_one();
    gates.go_on.notified().await;
    "done"
}

async fn commit(State(gates): State<Gates>, _body: Bytes) -> &'static str {
    hang(State(gates)).await
}
