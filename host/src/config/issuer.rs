//! `[auth.issuers.<name>]`: one issuer of tokens.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// One issuer of tokens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` of its tokens, letter by letter. Its keys are found from there by OpenID discovery, unless `jwks_uri` or
    /// `keys_file` says where they lie.
    #[schemars(example = &"https://idp.example/realms/lake")]
    pub issuer: String,
    /// Whom its tokens must be meant for: one of these has to be in their `aud`.
    #[schemars(example = &["weir"])]
    pub audience: Vec<String>,
    /// Where its keys are, if not where discovery says.
    #[schemars(example = &"https://idp.example/realms/lake/protocol/openid-connect/certs")]
    pub jwks_uri: Option<String>,
    /// A file with its keys (a JWK set), for a box that reaches no issuer. It is read again after `keys_ttl_s`.
    #[schemars(with = "Option<String>", example = &"/etc/weir/keys.json")]
    pub keys_file: Option<PathBuf>,
    /// A file with the certificates (PEM) that vouch for the issuer's servers, beside those of the system.
    #[schemars(with = "Option<String>", example = &"/etc/weir/idp-ca.pem")]
    pub ca_file: Option<PathBuf>,
    /// The algorithms that its tokens may be signed with. `none` and those with a shared secret (HS…) never are accepted.
    #[schemars(example = &["RS256"])]
    pub algorithms: Vec<SigningAlgorithm>,
    /// How far clocks may be apart, in seconds.
    #[schemars(range(min = 0, max = 300))]
    pub leeway_s: u32,
    /// How far in the future a token may end, in seconds; one that lives longer is refused.
    #[schemars(range(min = 60, max = 2_592_000))]
    pub lifetime_s_max: u32,
    /// The claims that name the subject; the first one that a token has counts.
    pub subject_claims: Vec<String>,
    /// The claims that list roles or groups, each as a path such as `realm_access.roles`. A role that a token names is
    /// `<issuer>~<role>`.
    #[schemars(example = &["realm_access.roles", "groups"])]
    pub roles_claims: Vec<String>,
    /// How long fetched keys count, in seconds. A key that the issuer withdraws is dead after that at the latest.
    #[schemars(range(min = 1, max = 86_400))]
    pub keys_ttl_s: u32,
    /// The least time between two looks for a key that is not known, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub keys_interval_s: u32,
    /// Engines by name, each with the clients (`azp`, `client_id`) that its tokens name.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    pub engines: BTreeMap<String, Vec<String>>,
}

/// An algorithm with a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

impl Default for Issuer {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: Vec::new(),
            jwks_uri: None,
            keys_file: None,
            ca_file: None,
            algorithms: vec![SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA],
            leeway_s: 30,
            lifetime_s_max: 86_400,
            subject_claims: vec!["sub".to_owned()],
            roles_claims: Vec::new(),
            keys_ttl_s: 300,
            keys_interval_s: 10,
            engines: BTreeMap::new(),
        }
    }
}

impl Issuer {
    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut at = |field: &str, found: String, expected: &str| {
            problems.push(Problem::at(&format!("{path}.{field}"), found, expected));
        };
        if self.issuer.is_empty() {
            at("issuer", "nothing".into(), "the `iss` of its tokens");
        }
        if self.audience.is_empty() || self.audience.iter().any(String::is_empty) {
            at(
                "audience",
                format!("{:?}", self.audience),
                "whom tokens must be meant for: without it, any token passes",
            );
        }
        let is_fetched = self.keys_file.is_none();
        if is_fetched && self.jwks_uri.is_none() && !self.issuer.is_empty() && !is_address(&self.issuer) {
            at("issuer", format!("`{}`", self.issuer), ADDRESS);
        }
        if let Some(uri) = self.jwks_uri.as_deref().filter(|uri| !is_address(uri)) {
            at("jwks_uri", format!("`{uri}`"), ADDRESS);
        }
        if !is_fetched && self.jwks_uri.is_some() {
            at("keys_file", "`jwks_uri` too".into(), "one of both");
        }
        if self.keys_interval_s > self.keys_ttl_s {
            at(
                "keys_interval_s",
                self.keys_interval_s.to_string(),
                "no more than `keys_ttl_s`: keys that are over are fetched again",
            );
        }
        if self.algorithms.is_empty() {
            at("algorithms", "none".into(), "at least one");
        }
        if self.subject_claims.is_empty() {
            at("subject_claims", "none".into(), "at least one, such as `sub`");
        }
        problems
    }
}

pub(super) const ADDRESS: &str =
    "an `https://` address without user, query or fragment (`http://` to a loopback address only)";

/// Whether keys may be fetched from there: what is sent in the clear could be replaced by anybody on the way.
pub fn is_address(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    is_plain && url.fragment().is_none() && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S2: an address that only looks like the issuer's.
    #[test]
    fn s2_keys_come_from_plain_https_addresses() {
        for good in
            ["https://idp.example", "https://idp.example:8443/realms/a", "http://127.0.0.1:9/x", "http://[::1]/"]
        {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["https://idp@evil.example", "http://idp.example", "https://idp.example/?a", "file:///etc/keys", "idp"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn an_issuer_without_audience_is_refused() {
        let issuer = Issuer { issuer: "https://idp.example".into(), ..Issuer::default() };
        let problems = issuer.problems("auth.issuers.oidc");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, "auth.issuers.oidc.audience");
    }
}
