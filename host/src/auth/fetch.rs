//! Requests to issuers: to configured addresses only, without redirects, with bounded answers in bounded time.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode};
use serde_json::Value;

/// A JWK set of a hundred keys has some 50 KB.
const ANSWER_BYTES_MAX: usize = 512 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);

/// What asks issuers.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    client: Client,
}

impl Fetcher {
    /// `ca_file` holds certificates (PEM) that are trusted beside those of the system.
    pub fn open(ca_file: Option<&Path>) -> anyhow::Result<Self> {
        crate::tls::choose_ring();
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .no_gzip()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        if let Some(path) = ca_file {
            let text = std::fs::read(path).with_context(|| format!("`ca_file` {} cannot be read", path.display()))?;
            let certificates = Certificate::from_pem_bundle(&text)
                .with_context(|| format!("`ca_file` {} holds no certificates in PEM", path.display()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: builder.build()? })
    }

    pub async fn json(&self, url: &str) -> anyhow::Result<Value> {
        answer(self.client.get(url)).await.with_context(|| format!("GET {url}"))
    }

    /// Posts JSON with a bearer token. The token is in no error.
    pub async fn post(&self, url: &str, token: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.client.post(url).bearer_auth(token).json(body)).await.with_context(|| format!("POST {url}"))
    }
}

async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::CREATED {
        bail!("the answer is {status} (redirects are not followed)");
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            bail!("the answer has more than {ANSWER_BYTES_MAX} bytes");
        }
    }
    serde_json::from_slice(&bytes).context("the answer is no JSON")
}
