//! What every request passes on its way in, then out: admission, limits, one log line.

mod body;
mod forwarded;
mod hosts;
mod record;
mod request_id;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_LENGTH, HeaderValue};
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tracing::Instrument;

use super::audit::Trail;
use super::respond::{self, OnCommit};
use crate::config::{self, Cidr, Config, Cors};
use crate::error::Error;
use crate::server::Limits;
use crate::telemetry;

use body::watched;
pub use forwarded::PublicUrl;
use hosts::Hosts;
use record::Record;
pub use record::is_commit;
pub use request_id::RequestId;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around all routes.
pub fn layers(router: Router, config: &Config) -> Router {
    let edge = Arc::new(Edge {
        places: Semaphore::new(config.server.requests_max),
        body_bytes_max: config.server.body_bytes_max,
        request_timeout: config.server.request_timeout(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        hosts: Hosts::of(config),
        audits: config.audit.is_kept(),
    });
    let router = router
        .layer(DefaultBodyLimit::max(config.server.body_bytes_max))
        .layer(middleware::from_fn_with_state(edge, pass));
    match config.server.cors.origins.is_empty() {
        true => router,
        false => router.layer(cors(&config.server.cors)),
    }
}

/// What the listener below these layers has to enforce.
pub fn limits(server: &config::Server) -> Limits {
    Limits {
        header_bytes_max: server.header_bytes_max,
        headers_max: server.headers_max,
        header_timeout: server.header_timeout(),
        connections_max: server.connections_max,
        shutdown_grace: server.shutdown_grace(),
    }
}

struct Edge {
    /// One for each request that is worked on.
    places: Semaphore,
    body_bytes_max: usize,
    request_timeout: Duration,
    trusted_proxies: Vec<Cidr>,
    /// `None` accepts every name.
    hosts: Option<Hosts>,
    /// Whether a trail of decisions is of any use.
    audits: bool,
}

async fn pass(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let id = request_id::of(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let record = Record::begin(&request, &edge.trusted_proxies);
    let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default());
    telemetry::adopt(&span, request.headers());
    async {
        let mut response = if edge.audits {
            let trail = Trail::begin(&request, id.to_str().unwrap_or_default(), record.client);
            let response = trail.follow(edge.admit(&record, request, next)).await;
            trail.end(response.status());
            response
        } else {
            edge.admit(&record, request, next).await
        };
        response.headers_mut().insert(X_REQUEST_ID, id);
        record.end(&response);
        response
    }
    .instrument(span)
    .await
}

impl Edge {
    /// Lets a request in when there is room. Health is always told: an overloaded server is alive.
    async fn admit(&self, record: &Record, request: Request, next: Next) -> Response {
        if record.is_health {
            return next.run(request).await;
        }
        if let Some(refusal) = self.hosts.as_ref().and_then(|hosts| hosts.refusal(&request)) {
            return refusal;
        }
        let Ok(_place) = self.places.try_acquire() else {
            metrics::counter!(telemetry::metrics::REQUESTS_SHED).increment(1);
            return refuse(record, Error::unavailable("the server is busy; retry in a second"));
        };
        if let Some(refusal) = self.bad_length(&request) {
            return refusal;
        }
        self.run(record, request, next).await
    }

    /// Refuses what is too long before a byte of it is read.
    fn bad_length(&self, request: &Request) -> Option<Response> {
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let length = length.filter(|length| *length > self.body_bytes_max as u64)?;
        let most = self.body_bytes_max;
        let message =
            format!("the body has {length} bytes, this server takes {most} at most (`server.body_bytes_max`)");
        Some(Error::PayloadTooLarge(message).into_response())
    }

    /// Runs a request to its end, or to the end of its time.
    async fn run(&self, record: &Record, request: Request, next: Next) -> Response {
        let has_body = Arc::new(AtomicBool::new(false));
        let request = if record.is_commit { watched(request, has_body.clone()) } else { request };
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
        match tokio::time::timeout(self.request_timeout, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_logged_by_the_panic_hook)) if record.is_commit => {
                unknown("a bug stopped the commit").into_response()
            }
            Ok(Err(_logged_by_the_panic_hook)) => respond::body(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "something went wrong on the server; the request id leads to it in the log",
            ),
            Err(_) if record.is_commit && has_body.load(Ordering::Relaxed) => {
                unknown("the commit took too long").into_response()
            }
            Err(_) => refuse(record, self.timed_out()),
        }
    }

    fn timed_out(&self) -> Error {
        let seconds = self.request_timeout.as_secs();
        Error::RequestTimeout(format!("the request was not done within {seconds} s (`server.request_timeout_s`)"))
    }
}

/// Once the whole body is here, a commit may have been applied; Java keeps its files only on a 5xx.
fn unknown(why: &str) -> Error {
    Error::CommitStateUnknown(format!("{why}; whether it was applied is not known: reload the table before a retry"))
}

/// An error that certainly changed nothing.
fn refuse(record: &Record, error: Error) -> Response {
    match record.is_commit {
        true => OnCommit(error).into_response(),
        false => error.into_response(),
    }
}

fn cors(cors: &Cors) -> CorsLayer {
    let origin = match cors.origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(cors.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([X_REQUEST_ID, axum::http::header::ETAG, axum::http::header::RETRY_AFTER])
        .max_age(Duration::from_secs(60 * 60))
}
