//! The settings of the plugin.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Problem, problem};

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where OpenFGA answers HTTP, such as `https://openfga.example:8080`; the same origin belongs into `egress`.
    pub url: String,
    /// The store's name. It is made where there is none, unless `create` says no.
    pub store: String,
    /// Whether the plugin may make the store and its authorization model.
    pub create: bool,
    /// Whether requests carry the secret `token` as a bearer token; only then has the secret to be named.
    pub token: bool,
    /// Ids of principals that may do everything, whatever is granted.
    pub administrators: Vec<String>,
    /// Roles whose members may do everything, whatever is granted.
    pub administrator_roles: Vec<String>,
    /// When the server must not answer from its caches.
    pub consistency: Consistency,
    /// How long after a change of its own the plugin asks for higher consistency, in milliseconds: longer than the
    /// server's caches live.
    pub own_writes_ms: u32,
    /// How many checks go into one request; the server's `maxChecksPerBatchCheck` must allow it.
    pub checks_per_request: usize,
    /// How long a listing may take, in milliseconds: shorter than the server's `listObjectsDeadline`, after which that
    /// cuts the answer without a word. A listing that takes longer is checked one by one.
    pub list_ms: u32,
    /// How long any other request may take, in milliseconds; the deadline of the call ends it sooner.
    pub request_ms: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// For a while after each change that this plugin made.
    #[default]
    AfterOwnWrites,
    /// With every question; right where several replicas run and the server caches.
    Always,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            url: String::new(),
            store: "weir".to_string(),
            create: true,
            token: false,
            administrators: Vec::new(),
            administrator_roles: Vec::new(),
            consistency: Consistency::AfterOwnWrites,
            own_writes_ms: 10_000,
            checks_per_request: 50,
            list_ms: 2_000,
            request_ms: 5_000,
        }
    }
}

impl Settings {
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            problems.push(problem("/url", "expected where OpenFGA answers, such as `https://openfga.example:8080`"));
        }
        if !(3..=64).contains(&self.store.len()) {
            problems.push(problem("/store", "expected a name of 3 to 64 characters"));
        }
        if !(1..=1_000).contains(&self.checks_per_request) {
            problems.push(problem("/checks-per-request", "expected 1 to 1000"));
        }
        for (pointer, wait_ms) in [("/list-ms", self.list_ms), ("/request-ms", self.request_ms)] {
            if wait_ms == 0 {
                problems.push(problem(pointer, "expected at least 1"));
            }
        }
        problems
    }

    pub fn url(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}
