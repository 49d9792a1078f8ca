//! Spans over OTLP (protobuf over HTTP), sent in batches beside the requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;

use super::BoxedLayer;

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// The sender of spans.
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    pub(super) fn flush(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(EXPORT_TIMEOUT) {
            tracing::warn!(error = %error, "the last traces were not sent");
        }
    }
}

/// The sender with the layer that feeds it.
pub(super) fn start(endpoint: &str, config: &crate::config::Traces) -> anyhow::Result<(Traces, BoxedLayer)> {
    crate::tls::choose_ring();
    let headers = config.authorization.iter().map(|secret| ("authorization".to_owned(), secret.expose().to_owned()));
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_TIMEOUT)
        .with_headers(headers.collect::<HashMap<_, _>>())
        .build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(OnRuntime { exporter: Arc::new(exporter), runtime: Handle::current() })
        .with_resource(Resource::builder().with_service_name(config.service_name.clone()).build())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio))))
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("weir"));
    Ok((Traces { provider }, layer.boxed()))
}

/// Makes a span the child of the trace that the caller's headers name.
pub(super) fn adopt(span: &tracing::Span, headers: &HeaderMap) {
    if headers.contains_key("traceparent") {
        // An error means that no traces are sent, so there is nothing to adopt into.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&Headers(headers)));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

/// Exports on the runtime: batches are made on a thread of their own, where the HTTP client could not run.
#[derive(Debug)]
struct OnRuntime {
    exporter: Arc<opentelemetry_otlp::SpanExporter>,
    runtime: Handle,
}

impl SpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exporter = self.exporter.clone();
        let exported = self.runtime.spawn(async move { exporter.export(batch).await });
        exported.await.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(exporter) = Arc::get_mut(&mut self.exporter) {
            exporter.set_resource(resource);
        }
    }
}
