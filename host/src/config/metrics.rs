//! `[metrics]`: Prometheus metrics on a port of their own.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prometheus metrics on a port of their own, so that they can be firewalled apart from the APIs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether metrics are collected and served.
    pub enabled: bool,
    /// The address and port of `GET /metrics`; port 0 takes a free one.
    #[schemars(with = "String", example = &"127.0.0.1:9181")]
    pub listen: SocketAddr,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: SocketAddr::from(([127, 0, 0, 1], 9181)) }
    }
}
