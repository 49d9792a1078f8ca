//! Questions to the management API of a running server.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use hyper::Method;

use super::super::{Source, Unhealthy, probe};

/// Which server.
#[derive(clap::Args)]
pub(super) struct Server {
    /// A file that holds the bearer token; without it the variable WEIR_TOKEN, where it is set.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Seconds to wait for the answer.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
}

impl Server {
    /// The JSON of an answer of the server that the configuration describes.
    pub async fn ask(&self, source: &Source, method: Method, path: &str) -> anyhow::Result<serde_json::Value> {
        let config = source.load()?;
        let request = probe::Request { method, path, token: self.token()? };
        let asked = probe::send(&config, &request, Duration::from_secs(self.timeout)).await;
        let (status, body) = asked.map_err(|error| Unhealthy(format!("{error:#}")))?;
        if !status.is_success() {
            return Err(Unhealthy(format!("`{} {path}` answered {status}: {body}", request.method)).into());
        }
        serde_json::from_str(&body).with_context(|| format!("the answer of `{path}` is no JSON"))
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let token = match &self.token_file {
            Some(path) => Some(std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?),
            None => std::env::var("WEIR_TOKEN").ok(),
        };
        Ok(token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()))
    }
}
