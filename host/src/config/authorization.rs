//! `[authorization]`: what callers may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What callers may do where no authorizer decides.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Authorization {
    /// The answer where no authorizer is configured; without it `allow` while anonymous callers are let in, else `deny`.
    #[schemars(example = &"deny")]
    pub default: Option<Verdict>,
    /// Callers, by id, whom the host lets through on the server itself and on its plugins whatever authorizers say, so
    /// that a broken policy can be repaired. Each time is written to the log.
    #[schemars(example = &["anonymous"])]
    pub administrators: Vec<String>,
}

/// An answer to "may the caller".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Verdict {
    Allow,
    Deny,
}
