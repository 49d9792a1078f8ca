//! A web server that takes what it is sent, for as long as the test wants it to.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;

/// One request that was taken or refused.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A receiver on a free port of the loopback.
pub struct Receiver {
    port: u16,
    state: Arc<Mutex<Inside>>,
}

struct Inside {
    answer: StatusCode,
    received: Vec<Received>,
}

impl Receiver {
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(Inside { answer: StatusCode::OK, received: Vec::new() }));
        let router = Router::new().route("/", post(take)).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move { axum::serve(listener, router).await.expect("the receiver serves") });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// What is sent from now on is answered with this status.
    pub fn answer(&self, status: u16) {
        self.inside().answer = StatusCode::from_u16(status).expect("a status");
    }

    /// All that was sent since the last look.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.inside().received)
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(state): State<Arc<Mutex<Inside>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inside = state.lock().unwrap_or_else(PoisonError::into_inner);
    inside.received.push(Received { headers, body });
    inside.answer
}
