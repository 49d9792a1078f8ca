//! What is known of each declared plugin, for the management API, the metrics, the command line.

use serde::Serialize;

use crate::plugin::load::Refusal;
use crate::plugin::{Abilities, Description, GuestStats, Limits, Mode};

/// Where a plugin stands on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Named by the configuration or the folder, not looked at yet.
    Declared,
    Fetching,
    Compiling,
    Configuring,
    /// It decides.
    Active,
    /// It is asked beside the others, but not heard.
    Shadow,
    /// What was found is not let in; a change of the file or the configuration is needed.
    Refused,
    /// What was asked for could not be had; it is tried again by itself.
    BackingOff,
    /// It is in place, but failed so often that it is left alone for a while.
    Broken,
}

/// Why the last attempt to load a plugin failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    pub code: &'static str,
    pub message: String,
    /// Milliseconds since the epoch.
    pub at_ms: i64,
}

impl Failure {
    pub fn new(refusal: &Refusal, at_ms: i64) -> Self {
        Self { code: refusal.code(), message: refusal.to_string(), at_ms }
    }
}

/// What is in place of a plugin.
#[derive(Clone, Debug)]
pub struct InPlace {
    pub sha256: String,
    pub signed_by: Option<String>,
    pub description: Description,
    pub abilities: Abilities,
    pub limits: Limits,
    pub stats: GuestStats,
    /// `closed`, `open` or `half-open`.
    pub breaker: &'static str,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
}

/// One declared plugin.
#[derive(Clone, Debug)]
pub struct Status {
    pub name: String,
    pub state: State,
    pub mode: Mode,
    pub required: bool,
    pub source: String,
    pub projects: Vec<String>,
    pub warehouses: Vec<String>,
    /// The origins that it may reach.
    pub egress: Vec<String>,
    /// The names of its secrets.
    pub secrets: Vec<String>,
    /// What works now: the newest version, or the last good one where that was refused.
    pub in_place: Option<InPlace>,
    /// Why the newest was refused; absent while everything is as declared.
    pub last_failure: Option<Failure>,
}
