//! `[events]`: who is told what happened.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Nats, Problem, Secret, SecretUrl, is_name};

/// Events of changes, CloudEvents in JSON, at least once and in order for one object. Plugins that keep grants hear them, too.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Whether this process passes events on; one of the processes on the same database does at a time.
    pub enabled: bool,
    /// How often the outbox is looked at, in milliseconds.
    #[schemars(range(min = 10, max = 600_000))]
    pub poll_interval_ms: u64,
    /// How long a listener belongs to a silent process before another one takes over, in seconds.
    #[schemars(range(min = 5, max = 3600))]
    pub lease_s: u64,
    /// Whether each event is a line of the log.
    pub log: bool,
    /// URLs that are sent each event, by name.
    pub webhooks: BTreeMap<String, Webhook>,
    /// A stream of NATS JetStream that keeps each event.
    pub nats: Option<Nats>,
}

/// One URL that is sent events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Webhook {
    /// Where events are posted; redirects are not followed.
    #[schemars(example = &"https://hooks.example/weir")]
    pub url: SecretUrl,
    /// The key of the signature in `webhook-signature`, an HMAC with SHA-256 as in Standard Webhooks.
    pub secret: Option<Secret>,
    /// What the kinds of events begin with that are sent, such as `weir.table.`; all where it is empty.
    #[schemars(example = &["weir.table."])]
    pub kinds: Vec<String>,
    /// How long an answer may take, in milliseconds.
    #[schemars(range(min = 10, max = 60_000))]
    pub timeout_ms: u64,
    /// How often an event is tried before it is put among the dead letters.
    #[schemars(range(min = 1, max = 1000))]
    pub attempts_max: u32,
}

impl Default for Events {
    fn default() -> Self {
        Self { enabled: true, poll_interval_ms: 500, lease_s: 30, log: false, webhooks: BTreeMap::new(), nats: None }
    }
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: SecretUrl::new(""),
            secret: None,
            kinds: Vec::new(),
            timeout_ms: 10_000,
            // With the pauses in between, about a day and a half.
            attempts_max: 450,
        }
    }
}

impl Events {
    pub fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease_s).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, webhook) in &self.webhooks {
            if !is_name(name) {
                let expected = "a name of lower-case letters, digits and hyphens that begins with a letter";
                problems.push(Problem::at("events.webhooks", format!("`{name}`"), expected));
            }
            let url = webhook.url.expose();
            if !url.starts_with("https://") && !url.starts_with("http://") {
                // It is not shown: a token may be part of it.
                let path = format!("events.webhooks.{name}.url");
                problems.push(Problem::at(&path, "something else (not shown)", "`https://…` or `http://…`"));
            }
        }
        problems.extend(self.nats.iter().flat_map(Nats::problems));
        problems
    }
}

impl Webhook {
    /// Whether events of this kind are sent.
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|begin| kind.starts_with(begin.as_str()))
    }
}
