//! Prometheus metrics: collected once a process, served as text.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::process;

/// The names of the metrics that the host itself counts; rooms name their own.
pub const REQUEST_SECONDS: &str = "weir_http_request_duration_seconds";
pub const REQUESTS_IN_FLIGHT: &str = "weir_http_requests_in_flight";
pub const REQUESTS_SHED: &str = "weir_http_requests_shed_total";

const SECONDS: [f64; 13] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];
/// A warm guest answers in microseconds.
const PLUGIN_SECONDS: [f64; 13] =
    [0.000_002, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 1.0, 10.0];
/// A flush of SQLite carries as many transactions as came while the one before it was under way.
const GROUP_MEMBERS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The metrics of this process as a page.
#[derive(Clone)]
pub struct Page {
    handle: PrometheusHandle,
}

/// Collects what any room counts from now on. Once a process, inside the runtime.
pub fn start() -> anyhow::Result<Page> {
    let of_plugins = Matcher::Full("weir_plugin_call_seconds".to_owned());
    let of_groups = Matcher::Full("weir_store_group_commits".to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(of_plugins, &PLUGIN_SECONDS)?
        .set_buckets_for_metric(of_groups, &GROUP_MEMBERS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "Time from the last header of a request to its answer");
    describe_gauge!(REQUESTS_IN_FLIGHT, "Requests that are worked on now");
    describe_counter!(REQUESTS_SHED, "Requests that were refused because too many were worked on");
    process::describe();
    let page = Page { handle };
    tokio::spawn(upkeep(page.clone()));
    Ok(page)
}

/// Without a scraper nobody empties the histograms' buffers, so they would grow for ever.
async fn upkeep(page: Page) {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        page.handle.run_upkeep();
    }
}

impl Page {
    /// Answers `GET /metrics`.
    pub fn answer<B>(&self, request: &Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut response = Response::new(Full::default());
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                process::measure();
                *response.body_mut() = Full::from(self.handle.render());
                response.headers_mut().insert(CONTENT_TYPE, PROMETHEUS_TEXT);
            }
            (_, "/metrics") => {
                *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET"));
            }
            _ => *response.status_mut() = StatusCode::NOT_FOUND,
        }
        Ok(response)
    }
}

const PROMETHEUS_TEXT: hyper::header::HeaderValue =
    hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
