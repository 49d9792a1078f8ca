//! `[auth.kubernetes]`: service accounts of a cluster.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;
use super::issuer::{ADDRESS, is_address};

/// Service accounts of a Kubernetes cluster, whose tokens its API reviews (TokenReview).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kubernetes {
    /// The `iss` of the cluster's tokens: no other token is shown to its API.
    pub issuer: String,
    /// Whom tokens must be meant for; one of these has to be among the audiences that the API confirms.
    #[schemars(example = &["weir"])]
    pub audience: Vec<String>,
    /// The address of the API.
    pub api: String,
    /// The file with the token by which Weir itself asks; read again for each question, for the cluster renews it.
    #[schemars(with = "String")]
    pub token_file: PathBuf,
    /// The file with the certificates (PEM) that vouch for the API's server.
    #[schemars(with = "Option<String>")]
    pub ca_file: Option<PathBuf>,
    /// How long an answer counts, in seconds, unless the token ends before.
    #[schemars(range(min = 1, max = 600))]
    pub review_ttl_s: u32,
}

const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            issuer: "https://kubernetes.default.svc.cluster.local".to_owned(),
            audience: Vec::new(),
            api: "https://kubernetes.default.svc".to_owned(),
            token_file: PathBuf::from(format!("{ACCOUNT}/token")),
            ca_file: Some(PathBuf::from(format!("{ACCOUNT}/ca.crt"))),
            review_ttl_s: 60,
        }
    }
}

impl Kubernetes {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.audience.is_empty() || self.audience.iter().any(String::is_empty) {
            let expected = "whom tokens must be meant for: without it, the token of any pod for any server passes";
            problems.push(Problem::at("auth.kubernetes.audience", format!("{:?}", self.audience), expected));
        }
        if self.issuer.is_empty() {
            problems.push(Problem::at("auth.kubernetes.issuer", "nothing", "the `iss` of the cluster's tokens"));
        }
        if !is_address(&self.api) {
            problems.push(Problem::at("auth.kubernetes.api", format!("`{}`", self.api), ADDRESS));
        }
        problems
    }
}
