//! The settings that choose a behaviour.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Call, Check, Effect};

/// All have defaults: `{}` allows everything.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// What it does before it answers.
    pub behaviour: Behaviour,
    /// In which call it does so.
    pub at: Place,
    /// What it answers when no rule covers a check.
    pub answer: Answer,
    /// The first rule that covers a check decides.
    pub rules: Vec<Rule>,
    /// `nothing`, `everything`, `abstain`, `ids`, `ids-truncated`, `namespaces`, `name-prefixes`, `per-item`.
    pub plan: Option<String>,
    /// The ids, paths or prefixes of a plan; the names that a contract protects.
    pub names: Vec<String>,
    /// How many bytes, for behaviours that have a size.
    pub bytes: usize,
    /// How many times, for behaviours that repeat.
    pub count: usize,
    /// Where http goes.
    pub url: String,
    /// What http carries.
    pub headers: Vec<(String, String)>,
    pub timeout_ms: u32,
    /// The secret that it opens, or the text that it carries off.
    pub secret: String,
    pub text: String,
    /// So many made-up problems refuse the settings.
    pub problems: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            behaviour: Behaviour::None,
            at: Place::Authorize,
            answer: Answer::Allow,
            rules: Vec::new(),
            plan: None,
            names: Vec::new(),
            bytes: 64 << 20,
            count: 10_000,
            url: "http://127.0.0.1:1/".to_string(),
            headers: Vec::new(),
            timeout_ms: 60_000,
            secret: "api-token".to_string(),
            text: "canary".to_string(),
            problems: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Answers by the rules.
    None,
    /// Tells in the reason all that the host told.
    Echo,
    /// Never comes back.
    Loop,
    /// Adds up `count` numbers first.
    Spin,
    /// Calls itself until the stack ends.
    Recursion,
    /// Allocates and touches memory until there is none.
    MemoryBomb,
    /// Allocates `bytes`, keeps them for the life of the instance.
    Leak,
    /// Answers with a reason of `bytes`.
    HugeOutput,
    /// Answers `count` more than it was asked.
    TooMany,
    /// Answers one less than it was asked.
    TooFew,
    Trap,
    Panic,
    InvalidUtf8,
    /// A string that lies beyond the memory's end.
    LyingLength,
    /// Returns a fault: unavailable, retry after `count` ms.
    Unavailable,
    /// Returns a fault: internal.
    Internal,
    /// Sends a request to `url` with `headers`; the reason tells how it went.
    Http,
    /// Sends `count` requests.
    HttpFlood,
    /// Puts `text` into a request to `url`, the log, the cache, the reason.
    Exfiltrate,
    /// The reason is how often this instance was asked before.
    Counter,
    /// The same through the host's cache.
    CacheCounter,
    /// Says the contrary every other time.
    Fickle,
    /// Puts `count` entries of `bytes` into the cache.
    CacheFlood,
    /// Opens `secret`, asks for its value; the reason tells how it went.
    Reveal,
    /// Logs `text`.
    Log,
    /// Logs `count` lines of `bytes`.
    LogFlood,
    /// Asks the cache `count` times.
    HostCalls,
}

/// The exports that can misbehave. `describe` takes no settings: `describe_loop` and `describe_trap` are guests of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    Configure,
    Authorize,
    AuthorizeMany,
    Plan,
    Review,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Deny,
    Allow,
    Abstain,
}

impl From<Answer> for Effect {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Deny => Self::Deny,
            Answer::Allow => Self::Allow,
            Answer::Abstain => Self::Abstain,
        }
    }
}

/// Covers a check when all that is given is equal; a name or action may end in `*`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub effect: Answer,
    pub principal: Option<String>,
    pub role: Option<String>,
    pub action: Option<String>,
    pub kind: Option<String>,
    pub name: Option<String>,
    /// The path of the namespaces above, joined by dots.
    pub namespace: Option<String>,
}

impl Rule {
    pub fn covers(&self, call: &Call, check: &Check) -> bool {
        let object = &check.object;
        let namespace = || object.namespace.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(".");
        fits(&self.principal, &call.principal.id)
            && self.role.as_ref().is_none_or(|role| call.principal.roles.contains(role))
            && fits(&self.action, &check.action)
            && fits(&self.kind, &object.kind)
            && fits(&self.name, &object.name)
            && (self.namespace.is_none() || fits(&self.namespace, &namespace()))
    }
}

fn fits(pattern: &Option<String>, found: &str) -> bool {
    pattern.as_deref().is_none_or(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => found.starts_with(prefix),
        None => found == pattern,
    })
}
