//! `[traces]`: traces over OTLP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, Secret};

/// Traces over OTLP (protobuf over HTTP), off without an endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// Where spans are sent, path included.
    #[schemars(example = &"http://otel-collector:4318/v1/traces")]
    pub endpoint: Option<String>,
    /// The `Authorization` header sent along. Secret.
    #[schemars(example = &"Bearer …")]
    pub authorization: Option<Secret>,
    /// The name of this service in the traces.
    pub service_name: String,
    /// The share of requests that are traced when the caller has not decided, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, authorization: None, service_name: "weir".to_owned(), sample_ratio: 1.0 }
    }
}

impl Traces {
    pub(super) fn problems(&self) -> Option<Problem> {
        let endpoint = self.endpoint.as_ref()?;
        if !cfg!(feature = "otlp") {
            let expected = "no endpoint: this build leaves the exporter out (cargo feature `otlp`)";
            return Some(Problem::at("traces.endpoint", format!("`{endpoint}`"), expected));
        }
        let fits = url::Url::parse(endpoint).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
        (!fits).then(|| Problem::at("traces.endpoint", format!("`{endpoint}`"), "an http or https URL"))
    }
}
