//! The storage profile of a warehouse, as far as access to its files goes.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_plugin::{Audience, Problem, problem};

/// What the host checks by itself (bucket, prefix, endpoint) is taken as it is; unknown members are the host's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct S3Profile {
    pub region: String,
    pub endpoint: Option<String>,
    pub flavor: Option<String>,
    pub path_style_access: Option<bool>,
    pub sts_enabled: bool,
    pub sts_endpoint: Option<String>,
    pub assume_role_arn: Option<String>,
    pub sts_role_arn: Option<String>,
    pub sts_session_tags: BTreeMap<String, String>,
    pub sts_token_validity_seconds: Option<u32>,
    pub remote_signing_enabled: bool,
    pub aws_kms_key_arn: Option<String>,
    /// Of the credential; the host adds it.
    pub external_id: Option<String>,
}

/// STS's own bounds.
const SECONDS_MIN: u32 = 900;
const SECONDS_MAX: u32 = 43_200;
const SECONDS: u32 = 3_600;

impl S3Profile {
    pub fn parse(json: &str) -> Result<Self, Vec<Problem>> {
        weir_plugin::glue::parse(json)
    }

    /// Everything that would keep clients from their files.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let is_amazon = self.endpoint.is_none();
        if self.region.is_empty() {
            problems.push(problem("/region", "missing, expected e.g. `eu-central-1`"));
        }
        if self.sts_enabled && is_amazon && self.role(Audience::Client).is_none() {
            problems
                .push(problem("/sts-role-arn", "missing: with `sts-enabled` AWS needs the role that keys belong to"));
        }
        for (pointer, role) in [("/assume-role-arn", &self.assume_role_arn), ("/sts-role-arn", &self.sts_role_arn)] {
            if role.as_deref().is_some_and(|arn| !is_role(arn)) {
                problems.push(problem(pointer, "expected `arn:aws:iam::123456789012:role/name`"));
            }
        }
        if self.sts_token_validity_seconds.is_some_and(|seconds| !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds)) {
            let expected = format!("expected {SECONDS_MIN} to {SECONDS_MAX} seconds");
            problems.push(problem("/sts-token-validity-seconds", expected));
        }
        for (key, value) in &self.sts_session_tags {
            if key.is_empty() || key.len() > 128 || value.len() > 256 || key.to_ascii_lowercase().starts_with("aws:") {
                let pointer = format!("/sts-session-tags/{}", key.replace('~', "~0").replace('/', "~1"));
                problems.push(problem(
                    pointer,
                    "expected a key of 1 to 128 bytes that is not `aws:…`, a value of at most 256",
                ));
            }
        }
        problems
    }

    /// Whether somebody gets keys of their own: clients where the profile offers them, the catalog where it has a role.
    pub fn makes_keys(&self, audience: Audience) -> bool {
        match audience {
            Audience::Client => self.sts_enabled,
            Audience::Host => self.assume_role_arn.is_some(),
        }
    }

    /// The role that keys belong to.
    pub fn role(&self, audience: Audience) -> Option<&str> {
        let own = match audience {
            Audience::Client => self.sts_role_arn.as_deref(),
            Audience::Host => None,
        };
        own.or(self.assume_role_arn.as_deref())
    }

    /// Where keys come from: what is set, else the endpoint of the storage, else Amazon's own of the region.
    pub fn sts_url(&self) -> String {
        let set = self.sts_endpoint.as_deref().or(self.endpoint.as_deref()).map(|url| url.trim_end_matches('/'));
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        set.map_or_else(|| format!("https://sts.{}.{suffix}/", self.region), |url| format!("{url}/"))
    }

    /// As long as the profile wants, as the host allows, but no less than STS takes.
    pub fn seconds(&self, seconds_max: u32) -> Option<u32> {
        let seconds = self.sts_token_validity_seconds.unwrap_or(SECONDS).min(seconds_max);
        (seconds >= SECONDS_MIN).then_some(seconds.min(SECONDS_MAX))
    }

    /// What a client has to know of the storage, beside its keys.
    pub fn client_config(&self) -> Vec<(String, String)> {
        let mut config =
            vec![("client.region".to_string(), self.region.clone()), ("s3.region".to_string(), self.region.clone())];
        if let Some(endpoint) = &self.endpoint {
            config.push(("s3.endpoint".to_string(), endpoint.trim_end_matches('/').to_string()));
        }
        config
    }
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", _, "iam" | "minio", _, _, name] if !name.is_empty()) && arn.len() <= 2_048
}
