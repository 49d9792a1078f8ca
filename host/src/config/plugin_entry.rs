//! `[plugins.load.<name>]`: one plugin, its sources, grants, limits.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// One plugin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct PluginEntry {
    /// Where its component comes from: `builtin:<name>`, `file:<path>`, or an `https://` URL together with `sha256`. A
    /// `file:` whose name ends with `.bundle.json` is the manifest of a component in parts.
    #[schemars(example = &"file:/etc/weir/plugins/site-policy.wasm")]
    pub source: String,
    /// The sha256 of the component, inflated, in lower-case hexadecimal; other bytes are refused.
    #[schemars(example = &"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: Option<String>,
    /// The file of its detached ed25519 signature, in base64; without it `<source>.sig` is looked at where signatures
    /// are required.
    #[schemars(with = "Option<String>", example = &"/etc/weir/plugins/site-policy.wasm.sig")]
    pub signature: Option<PathBuf>,
    /// Whether its answers count (`enforce`) or are only compared (`shadow`).
    pub mode: PluginMode,
    /// Whether the server is ready only once this plugin is active.
    pub required: bool,
    /// Its place in the chain; the smallest number is asked first.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub order: u32,
    /// The projects that it governs, by id.
    #[schemars(example = &["00000000-0000-0000-0000-000000000000"])]
    pub projects: Vec<String>,
    /// The warehouses that it governs, by id; where `projects` and `warehouses` are empty, it governs everything.
    #[schemars(example = &["01a1fc15-c549-7263-8cbe-71b3a9f06153"])]
    pub warehouses: Vec<String>,
    /// What the plugin itself is told, as its settings schema says.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub settings: serde_json::Value,
    /// A JSON or TOML file of settings instead of `settings`; changes are noticed.
    #[schemars(with = "Option<String>", example = &"/etc/weir/plugins/site-policy.settings.json")]
    pub settings_file: Option<PathBuf>,
    /// Its secrets by the name that the plugin uses: `file:<path>` or `env:<NAME>`.
    pub secrets: BTreeMap<String, String>,
    /// The secrets that the plugin may read, not only use.
    pub reveal: Vec<String>,
    /// The origins that it may send HTTP requests to, `https://host[:port]`.
    #[schemars(example = &["https://policy.example:8443"])]
    pub egress: Vec<String>,
    /// Whether `egress` may lead to loopback or private addresses; link-local and metadata addresses stay closed.
    pub allow_private: bool,
    /// The claims of a caller's token that it is shown, where it asks for them.
    #[schemars(example = &["department", "email"])]
    pub claims: Vec<String>,
    /// The oldest version that may be loaded.
    #[schemars(example = &"1.2.0")]
    pub min_version: Option<String>,
    /// Whether an older version than the newest that ran here may be loaded, or one that decides may become a shadow.
    pub allow_downgrade: bool,
    /// What it may use.
    pub limits: PluginLimits,
}

/// Whether a plugin's answers count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PluginMode {
    #[default]
    Enforce,
    Shadow,
}

impl Default for PluginEntry {
    fn default() -> Self {
        Self {
            source: String::new(),
            sha256: None,
            signature: None,
            mode: PluginMode::Enforce,
            required: true,
            order: 100,
            projects: Vec::new(),
            warehouses: Vec::new(),
            settings: serde_json::Value::Object(serde_json::Map::new()),
            settings_file: None,
            secrets: BTreeMap::new(),
            reveal: Vec::new(),
            egress: Vec::new(),
            allow_private: false,
            claims: Vec::new(),
            min_version: None,
            allow_downgrade: false,
            limits: PluginLimits::default(),
        }
    }
}

/// What one plugin may use up. Each bound is enforced, or the plugin is refused.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct PluginLimits {
    /// From the moment that a request asks to its answer, in milliseconds: waiting for an instance, computing, calls of
    /// the host.
    #[schemars(range(min = 1, max = 60_000))]
    pub deadline_ms: u32,
    /// For the making of one instance, in milliseconds: start, `describe`, `configure`.
    #[schemars(range(min = 1, max = 600_000))]
    pub load_deadline_ms: u32,
    /// The linear memories of one instance, in bytes.
    #[schemars(range(min = 65_536, max = 4_294_967_296_u64))]
    pub memory_bytes_max: u64,
    /// The elements of all tables of one instance.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub table_elements_max: u32,
    /// Instances, and so calls, at once.
    #[schemars(range(min = 1, max = 1024))]
    pub instances_max: u32,
    /// Calls that may wait for an instance; one more is refused.
    #[schemars(range(min = 0, max = 100_000))]
    pub queue_max: u32,
    /// What it may hand over in one go, in bytes: the result of a call, the arguments of a host call.
    #[schemars(range(min = 1024, max = 268_435_456))]
    pub output_bytes_max: u32,
    /// Resource handles that are alive in one instance.
    #[schemars(range(min = 16, max = 1_000_000))]
    pub handles_max: u32,
    /// What goes to the log, in bytes; the rest is dropped, but counted.
    #[schemars(range(min = 0, max = 104_857_600))]
    pub log_bytes_per_second: u32,
    /// Calls of the host in one call of the plugin.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub host_calls_max: u32,
    /// HTTP requests in one call of the plugin.
    #[schemars(range(min = 0, max = 10_000))]
    pub http_calls_max: u32,
    /// HTTP bodies in one call of the plugin, both ways together, in bytes.
    #[schemars(range(min = 0, max = 1_073_741_824))]
    pub http_bytes_max: u64,
    /// HTTP requests of all its instances that are under way at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub http_connections_max: u32,
    /// The entries of its cache.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub cache_entries_max: u32,
    /// The bytes of its cache.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub cache_bytes_max: u32,
    /// Failures in a row after which it is left alone for a while, half a second at first; 0 for never.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub failures_max: u32,
    /// Whether every call gets a new instance, so that nothing is remembered between two of them.
    pub fresh: bool,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            deadline_ms: 100,
            load_deadline_ms: 5_000,
            memory_bytes_max: 64 << 20,
            table_elements_max: 20_000,
            instances_max: 8,
            queue_max: 64,
            output_bytes_max: 1 << 20,
            handles_max: 1_000,
            log_bytes_per_second: 16 << 10,
            host_calls_max: 10_000,
            http_calls_max: 16,
            http_bytes_max: 8 << 20,
            http_connections_max: 16,
            cache_entries_max: 10_000,
            cache_bytes_max: 4 << 20,
            failures_max: 10,
            fresh: false,
        }
    }
}

impl PluginEntry {
    /// The first thing that is wrong with a declaration from outside the configuration.
    pub fn first_problem(&self) -> Option<String> {
        let problem = self.problems("").into_iter().next()?;
        Some(format!(
            "{}: found {}, expected {}",
            problem.path.trim_start_matches('.'),
            problem.found,
            problem.expected
        ))
    }

    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut tell = |key: &str, found: String, expected: &str| {
            problems.push(Problem::at(&format!("{path}.{key}"), found, expected));
        };
        let known = ["builtin:", "file:", "https://", "http://"].iter().any(|scheme| self.source.starts_with(scheme));
        if !known {
            tell("source", format!("`{}`", self.source), "`builtin:<name>`, `file:<path>` or `https://…`");
        }
        if self.source.starts_with("http") && self.sha256.is_none() {
            tell("sha256", "no digest".into(), "the sha256 of a component that is fetched over HTTP");
        }
        if let Some(digest) = &self.sha256
            && !is_digest(digest)
        {
            tell("sha256", format!("`{digest}`"), "64 lower-case hexadecimal digits");
        }
        if self.settings_file.is_some() && self.settings.as_object().is_none_or(|settings| !settings.is_empty()) {
            tell("settings_file", "settings as well as a file of settings".into(), "one of the two");
        }
        for (name, from) in &self.secrets {
            if !from.starts_with("file:") && !from.starts_with("env:") {
                // The value is not shown: somebody may have written the secret itself.
                tell(&format!("secrets.{name}"), "something else (not shown)".into(), "`file:<path>` or `env:<NAME>`");
            }
        }
        for name in self.reveal.iter().filter(|name| !self.secrets.contains_key(*name)) {
            tell("reveal", format!("`{name}`, which is none of its secrets"), "names of its `secrets`");
        }
        problems
    }
}

/// Whether a text is a sha256 as it is compared: 64 lower-case hexadecimal digits.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
