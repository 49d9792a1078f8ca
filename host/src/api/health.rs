//! Health: is the process alive, can it serve.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::app::App;

/// Probes of orchestrators give up after a second by default; a slower answer is no answer.
const PATIENCE: Duration = Duration::from_millis(900);
const NEVER_STORED: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// The routes, which ask nobody for permission: they tell nothing that a refused connection would not.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/health", get(health))
}

/// Never looks at the database: restarting this process would not mend another one.
async fn live() -> impl IntoResponse {
    (NEVER_STORED, Json(json!({ "status": "alive" })))
}

/// Whether requests should be sent here: the store answers, in time, nobody asked to stop.
async fn ready(State(app): State<Arc<App>>) -> impl IntoResponse {
    match trouble(&app).await {
        None => (StatusCode::OK, NEVER_STORED, Json(json!({ "status": "ready" }))),
        Some(reason) => {
            let body = json!({ "status": "not ready", "reason": reason });
            (StatusCode::SERVICE_UNAVAILABLE, NEVER_STORED, Json(body))
        }
    }
}

/// The same in the words of Lakekeeper, whose clients ask here.
async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    match trouble(&app).await {
        None => (StatusCode::OK, NEVER_STORED, Json(in_words("healthy"))),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, NEVER_STORED, Json(in_words("unhealthy"))),
    }
}

fn in_words(word: &str) -> Value {
    json!({ "health": word, "services": { "catalog": [{ "name": "store", "status": word }] } })
}

async fn trouble(app: &App) -> Option<&'static str> {
    if app.stopping.is_cancelled() {
        return Some("this server is stopping");
    }
    if !app.lifecycle.missing().is_empty() {
        return Some("a required plugin is not in place; the log says why");
    }
    store_trouble(app).await
}

/// Why the store cannot be used now, in words that name no host and no password.
async fn store_trouble(app: &App) -> Option<&'static str> {
    match tokio::time::timeout(PATIENCE, app.store.ready()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::warn!(error = %anyhow::Error::new(error), "not ready: the store cannot be used");
            Some("the store cannot be used; the log says why")
        }
        Err(_) => {
            tracing::warn!("not ready: the store does not answer");
            Some("the store does not answer in time")
        }
    }
}
