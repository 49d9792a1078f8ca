//! What the process tells about itself: logs, metrics, traces.

pub mod metrics;
mod process;
#[cfg(feature = "otlp")]
mod traces;

use std::io::IsTerminal;
use std::panic;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::config::{Config, LogFormat};

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Keeps the exporters alive; dropping it sends what they still hold.
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<traces::Traces>,
}

impl Telemetry {
    /// Sends logs to standard error, spans to the configured endpoint. Once a process, inside the runtime.
    pub fn start(config: &Config) -> anyhow::Result<Self> {
        let filter = || EnvFilter::try_new(&config.log.filter);
        #[cfg_attr(not(feature = "otlp"), allow(unused_mut))]
        let mut layers = vec![log(config.log.format).with_filter(filter()?).boxed()];
        #[cfg(feature = "otlp")]
        let traces = match &config.traces.endpoint {
            None => None,
            Some(endpoint) => {
                let (traces, layer) = traces::start(endpoint, &config.traces)?;
                layers.push(layer.with_filter(filter()?).boxed());
                Some(traces)
            }
        };
        tracing_subscriber::registry().with(layers).try_init()?;
        panic::set_hook(Box::new(log_panic));
        Ok(Self {
            #[cfg(feature = "otlp")]
            traces,
        })
    }

    /// Sends what is still held; takes a few seconds at most.
    pub fn flush(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.flush();
        }
    }
}

fn log(format: LogFormat) -> BoxedLayer {
    let is_watched = std::io::stderr().is_terminal();
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(is_watched);
    match format {
        LogFormat::Pretty => layer.compact().with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    }
}

/// A panic ends one request, never the server; it is logged with the request's span, like every other error.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(panic.place = place, "a bug: {message}");
}

/// Makes a span the child of the trace that the caller's `traceparent` header names.
pub fn adopt(span: &tracing::Span, headers: &hyper::HeaderMap) {
    #[cfg(feature = "otlp")]
    traces::adopt(span, headers);
    #[cfg(not(feature = "otlp"))]
    let _ = (span, headers);
}
