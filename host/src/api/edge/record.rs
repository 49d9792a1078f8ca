//! The one log line of a request, with its metrics.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use axum::response::Response;

use super::forwarded::client_address;
use crate::config::Cidr;
use crate::server::Peer;
use crate::telemetry::metrics::{REQUEST_SECONDS, REQUESTS_IN_FLIGHT};

/// Longer paths are cut in the log.
const PATH_BYTES_MAX: usize = 1024;
const UNMATCHED: &str = "unmatched";

/// A request that is worked on. Dropped without an end, it tells that the client did not wait.
pub(super) struct Record {
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    pub(super) client: Option<IpAddr>,
    started: Instant,
    has_ended: bool,
    pub(super) is_health: bool,
    pub(super) is_commit: bool,
}

/// Whether a request is a commit, whose client takes every 5xx for an unknown outcome.
pub fn is_commit(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>();
    parts.method == Method::POST && route.is_some_and(|route| is_commit_path(route.as_str()))
}

impl Record {
    pub(super) fn begin(request: &Request, trusted_proxies: &[Cidr]) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let path = route.as_ref().map_or("", MatchedPath::as_str);
        let peer = request.extensions().get::<Peer>();
        metrics::gauge!(REQUESTS_IN_FLIGHT).increment(1.0);
        Self {
            is_health: path == "/health" || path.starts_with("/health/"),
            is_commit: request.method() == Method::POST && is_commit_path(path),
            client: peer.map(|peer| client_address(peer, request.headers(), trusted_proxies)),
            method: request.method().clone(),
            uri: request.uri().clone(),
            route,
            started: Instant::now(),
            has_ended: false,
        }
    }

    pub(super) fn end(mut self, response: &Response) {
        self.has_ended = true;
        let duration = self.started.elapsed();
        let status = response.status();
        let route = self.route().to_owned();
        let labels = [
            ("method", method_label(&self.method)),
            ("route", route.into()),
            ("status", status.as_str().to_owned().into()),
        ];
        metrics::histogram!(REQUEST_SECONDS, &labels).record(duration.as_secs_f64());
        let duration_ms = duration.as_secs_f64() * 1000.0;
        let (method, path) = (&self.method, self.path());
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    http.method = %method,
                    http.route = self.route(),
                    http.status = status.as_u16(),
                    client.address = self.client.map(tracing::field::display),
                    duration_ms,
                    "{method} {path} {}", status.as_u16()
                )
            };
        }
        match status.as_u16() {
            500.. => line!(warn),
            _ if self.is_health => line!(debug),
            _ => line!(info),
        }
    }

    fn route(&self) -> &str {
        self.route.as_ref().map_or(UNMATCHED, MatchedPath::as_str)
    }

    /// The path without the query, which may carry what nobody should read later.
    fn path(&self) -> &str {
        let path = self.uri.path();
        path.get(..PATH_BYTES_MAX).unwrap_or(path)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        metrics::gauge!(REQUESTS_IN_FLIGHT).decrement(1.0);
        if !self.has_ended {
            let (method, path) = (&self.method, self.path());
            let duration_ms = self.started.elapsed().as_secs_f64() * 1000.0;
            tracing::info!(http.method = %method, duration_ms, "{method} {path}: the client did not wait for the answer");
        }
    }
}

/// A method of the client's invention must not make a time series of its own.
fn method_label(method: &Method) -> Cow<'static, str> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    KNOWN.iter().find(|known| **known == method.as_str()).copied().unwrap_or("other").into()
}

/// Operations whose 5xx a client takes for an unknown outcome: commits of tables, views, transactions.
pub(super) fn is_commit_path(route: &str) -> bool {
    let mut segments = route.rsplit('/');
    match (segments.next(), segments.next()) {
        (Some("commit"), Some("transactions")) => true,
        (Some(name), Some("tables" | "views")) => name.starts_with('{'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_commit_path;

    #[test]
    fn commits_are_told_from_other_posts() {
        assert!(is_commit_path("/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}"));
        assert!(is_commit_path("/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}"));
        assert!(is_commit_path("/catalog/v1/{prefix}/transactions/commit"));
        assert!(!is_commit_path("/catalog/v1/{prefix}/namespaces/{namespace}/tables"));
        assert!(!is_commit_path("/catalog/v1/{prefix}/tables/rename"));
        assert!(!is_commit_path("/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics"));
    }
}
