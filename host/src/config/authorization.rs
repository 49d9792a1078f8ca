//! `[authorization]`: what callers may do.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Anonymous, Config, PluginEntry};

use super::{Engine, Problem};

/// What callers may do where no authorizer decides.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Authorization {
    /// The answer where no authorizer is configured: `allow`, `deny`, or `administrators` for those alone. Without it
    /// `allow` while anonymous callers are let in; else the bundled plugin `cedar` decides, knowing the administrators.
    #[schemars(example = &"deny")]
    pub default: Option<Verdict>,
    /// Callers, by id, whom the host lets through on the server itself and on its plugins whatever authorizers say, so
    /// that a broken policy can be repaired. Each time is written to the log.
    #[schemars(example = &["anonymous"])]
    pub administrators: Vec<String>,
    /// Of so many questions to the authorizers one is asked once more in the background, to find policies that answer the same
    /// question in two ways: a line in the log, `weir_decision_replays_total`. What changes meanwhile, such as grants that
    /// a service keeps, is found too. 0 stands for none.
    #[schemars(example = &100)]
    pub replay_one_in: u32,
    /// Query engines that run views with the rights of their owners.
    pub engines: BTreeMap<String, Engine>,
}

impl Authorization {
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.engines.iter().flat_map(|(name, engine)| engine.problems(name)).collect()
    }
}

/// An answer to "may the caller".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Verdict {
    Allow,
    Deny,
    Administrators,
}

impl Config {
    /// The plugin that decides where callers say who they are and no authorizer is declared: administrators may do
    /// everything, nobody else anything.
    pub fn stand_in(&self) -> Option<PluginEntry> {
        let says_nothing = self.authorization.default.is_none();
        (self.auth.anonymous() == Anonymous::Never && says_nothing).then(|| PluginEntry {
            source: "builtin:cedar".into(),
            settings: json!({ "administrators": self.authorization.administrators }),
            ..PluginEntry::default()
        })
    }
}
