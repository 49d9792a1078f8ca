//! Health: is the process alive, can it serve.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

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

/// The same in the words of Lakekeeper, whose clients ask here, with the authorizers: one whose last call failed is not
/// healthy. Readiness does not look at them, because another process would fare no better.
async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    let store = word(trouble(&app).await.is_none());
    let generation = app.plugins.current();
    let authorizers = generation.authorizers().map(|member| (member.guest.name(), !member.guest.is_failing()));
    let authorizers: Vec<(&str, bool)> = authorizers.collect();
    let all = store == HEALTHY && authorizers.iter().all(|(_, healthy)| *healthy);
    let mut services = json!({ "catalog": [{ "name": "store", "status": store }] });
    if !authorizers.is_empty() {
        let status = |(name, healthy): &(&str, bool)| json!({ "name": name, "status": word(*healthy) });
        services["authorizer"] = authorizers.iter().map(status).collect();
    }
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, NEVER_STORED, Json(json!({ "health": word(all), "services": services })))
}

const HEALTHY: &str = "healthy";

fn word(healthy: bool) -> &'static str {
    if healthy { HEALTHY } else { "unhealthy" }
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
