//! Service accounts of a Kubernetes cluster: its API says whose token it is.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::caller::Identity;
use super::claims;
use super::fetch::Fetcher;
use super::refusal::Refusal;
use crate::config;

const REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const NAME: &str = "kubernetes";

pub(super) struct Kubernetes {
    pub issuer: String,
    audience: Vec<String>,
    address: String,
    token_file: PathBuf,
    fetcher: Fetcher,
    review_ttl_ms: i64,
}

/// Somebody for whom the API spoke, with the end of its word.
pub(super) struct Reviewed {
    pub identity: Identity,
    pub until_ms: i64,
}

impl Kubernetes {
    pub fn open(section: &config::Kubernetes) -> anyhow::Result<Self> {
        Ok(Self {
            issuer: section.issuer.clone(),
            audience: section.audience.clone(),
            address: format!("{}{REVIEWS}", section.api.trim_end_matches('/')),
            token_file: section.token_file.clone(),
            fetcher: Fetcher::open(section.ca_file.as_deref())?,
            review_ttl_ms: i64::from(section.review_ttl_s) * 1_000,
        })
    }

    /// Asks the API. A token that is not meant for this catalog, or never ends as the legacy ones, is not even shown to it.
    pub async fn review(&self, token: &str, unverified: &Map<String, Value>, now_ms: i64) -> Result<Reviewed, Refusal> {
        let ends_ms = claims::time_ms(unverified, "exp").map_err(Refusal::Denied)?;
        let ends_ms =
            ends_ms.ok_or_else(|| Refusal::denied("it never ends: legacy service account tokens are refused"))?;
        if now_ms >= ends_ms {
            return Err(Refusal::denied("it is over (`exp`)"));
        }
        if !self.is_meant_here(unverified.get("aud")) {
            return Err(Refusal::denied("it is meant for another audience"));
        }
        metrics::counter!("weir_token_reviews_total").increment(1);
        let review =
            self.ask(token).await.map_err(|error| Refusal::Unavailable(format!("the TokenReview: {error:#}")))?;
        let identity = self.identity(&review, ends_ms).map_err(Refusal::Denied)?;
        Ok(Reviewed { identity, until_ms: ends_ms.min(now_ms + self.review_ttl_ms) })
    }

    async fn ask(&self, token: &str) -> anyhow::Result<Value> {
        let own = tokio::fs::read_to_string(&self.token_file).await;
        let own = own.with_context(|| format!("`token_file` {}", self.token_file.display()))?;
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "token": token, "audiences": self.audience },
        });
        let answer = self.fetcher.post(&self.address, own.trim(), &body).await?;
        let status = answer.get("status").filter(|status| status.is_object()).cloned();
        status.context("the answer has no `status`")
    }

    fn identity(&self, status: &Value, ends_ms: i64) -> Result<Identity, String> {
        if status.get("authenticated") != Some(&Value::Bool(true)) {
            return Err("the cluster does not know the token".to_owned());
        }
        // An API that knows nothing of audiences confirms none: such a word proves nothing.
        if !self.is_meant_here(status.get("audiences")) {
            return Err("the cluster does not confirm that the token is meant for this catalog".to_owned());
        }
        let user = status.get("user").and_then(Value::as_object).ok_or("the cluster names nobody")?;
        let keys = ["username".to_owned()];
        let username = claims::subject(user, &keys)?;
        let groups = claims::roles(user, &["groups".to_owned()])?;
        Ok(Identity {
            id: format!("{NAME}~{username}"),
            issuer: Some(NAME.to_owned()),
            client: None,
            engine: None,
            name: Some(username),
            email: None,
            is_application: true,
            roles: groups.iter().map(|group| format!("{NAME}~{group}")).collect(),
            claims: user.clone(),
            expires_at_ms: Some(ends_ms),
        })
    }

    fn is_meant_here(&self, audiences: Option<&Value>) -> bool {
        let is_ours = |one: &Value| one.as_str().is_some_and(|one| self.audience.iter().any(|own| own == one));
        match audiences {
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }
}
