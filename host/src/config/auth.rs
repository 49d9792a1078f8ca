//! `[auth]`: who is calling.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Issuer, Kubernetes, LocalIssuer, Problem, Server, is_name};

/// Who is calling.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Who may call without credentials: whoever reaches a loopback address (`loopback`), everybody who reaches the
    /// server (`anywhere`), or nobody (`never`). Without it `never` where an issuer is configured, else `loopback`.
    #[schemars(example = &"never")]
    pub anonymous: Option<Anonymous>,
    /// The issuers whose tokens are accepted, by a name that begins the id of everybody they vouch for:
    /// `[auth.issuers.oidc]` makes `oidc~<subject>`.
    pub issuers: BTreeMap<String, Issuer>,
    /// Service accounts of a Kubernetes cluster, whose tokens its API reviews; ids are `kubernetes~<user name>`.
    pub kubernetes: Option<Kubernetes>,
    /// Tokens that this catalog issues itself, for edge boxes and tests; ids are `local~<subject>`.
    pub local: Option<LocalIssuer>,
}

/// Who may call without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Anonymous {
    #[default]
    Loopback,
    Anywhere,
    Never,
}

/// Names that other parts of the catalog give to callers.
const RESERVED: &[&str] = &["anonymous", "catalog", "kubernetes", "local", "role", "user", "weir"];

impl Auth {
    /// Who may call without credentials, as it holds: naming an issuer closes the door unless it is said to stay open.
    pub fn anonymous(&self) -> Anonymous {
        let default = if self.has_issuers() { Anonymous::Never } else { Anonymous::Loopback };
        self.anonymous.unwrap_or(default)
    }

    /// Whether any token can be accepted.
    pub fn has_issuers(&self) -> bool {
        !self.issuers.is_empty() || self.kubernetes.is_some() || self.local.is_some()
    }

    pub(super) fn problems(&self, server: &Server) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.open_to_a_network(server).into_iter().collect();
        for (name, issuer) in &self.issuers {
            let path = format!("auth.issuers.{name}");
            if !is_name(name) || RESERVED.contains(&name.as_str()) {
                let expected = "lower-case letters, digits and hyphens, beginning with a letter; some words are taken";
                problems.push(Problem::at(&path, format!("the name `{name}`"), expected));
            }
            problems.extend(issuer.problems(&path));
        }
        problems.extend(self.one_issuer_twice());
        problems.extend(self.kubernetes.iter().flat_map(Kubernetes::problems));
        problems.extend(self.local.iter().flat_map(LocalIssuer::problems));
        problems
    }

    /// An open catalog must not reach a network by accident: whoever could call it could drop every table.
    fn open_to_a_network(&self, server: &Server) -> Option<Problem> {
        if self.anonymous() != Anonymous::Loopback || server.listen.ip().is_loopback() {
            return None;
        }
        Some(Problem::at(
            "server.listen",
            format!("`{}`, which other machines reach, while nobody has to say who they are", server.listen),
            "a loopback address, or `auth.anonymous = \"anywhere\"` to let everybody in who reaches it",
        ))
    }

    /// The `iss` of a token leads to one section, which says who vouches for it.
    fn one_issuer_twice(&self) -> Vec<Problem> {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        let kubernetes = self.kubernetes.iter().map(|section| ("kubernetes", section.issuer.as_str()));
        let local = self.local.iter().map(|section| ("local", section.issuer.as_str()));
        let named = self.issuers.iter().map(|(name, issuer)| (name.as_str(), issuer.issuer.as_str()));
        let mut problems = Vec::new();
        for (name, issuer) in named.chain(kubernetes).chain(local) {
            if let Some(other) = seen.insert(issuer, name) {
                let path = format!("auth.issuers.{name}.issuer");
                let found = format!("`{issuer}`, which is that of `{other}` already");
                problems.push(Problem::at(&path, found, "an issuer once"));
            }
        }
        problems
    }
}
