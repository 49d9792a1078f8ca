//! `[plugins]`: which guests are loaded, how much they may use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, plugin_entry};

pub use plugin_entry::{PluginEntry, PluginLimits, PluginMode};

/// The guests: sandboxed WebAssembly components that decide.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Plugins {
    /// A folder whose `*.wasm`, `*.wasm.gz`, `*.wasm.zst` and `*.bundle.json` files are plugins, named by their stems;
    /// `<stem>.toml` beside one holds what a `[plugins.load.<stem>]` table would. It is watched, so a changed file is
    /// loaded.
    #[schemars(with = "Option<String>", example = &"/etc/weir/plugins")]
    pub folder: Option<PathBuf>,
    /// How often `folder` and the files of `load` are looked at for changes, in milliseconds; 0 never looks.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub watch_ms: u64,
    /// Where compiled plugins are kept between starts; what lies there is authenticated with a key of this host.
    #[schemars(with = "String")]
    pub cache_folder: PathBuf,
    /// How many calls of guests may use a processor at once, all plugins together; 0 stands for the number of cores.
    #[schemars(range(min = 0, max = 1024))]
    pub calls_max: u32,
    /// The memory that all instances of all plugins may use together, in bytes.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub memory_bytes_max: u64,
    /// Whether to do without the reserved address space that makes new instances cheap; for small hosts.
    pub small: bool,
    /// The public keys that plugins may be signed with, as `ed25519:<base64>`.
    #[schemars(example = &["ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="])]
    pub trusted_keys: Vec<String>,
    /// Whether a plugin that is not built in must carry a signature by one of `trusted_keys`.
    pub require_signatures: bool,
    /// The plugins by name.
    pub load: BTreeMap<String, PluginEntry>,
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            folder: None,
            watch_ms: 2_000,
            cache_folder: PathBuf::from("./weir-data/plugin-cache"),
            calls_max: 0,
            memory_bytes_max: 256 << 20,
            small: false,
            trusted_keys: Vec::new(),
            require_signatures: false,
            load: BTreeMap::new(),
        }
    }
}

impl Plugins {
    /// Whether any plugin is or can be loaded.
    pub fn any(&self) -> bool {
        self.folder.is_some() || !self.load.is_empty()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.require_signatures && self.trusted_keys.is_empty() {
            problems.push(Problem::at(
                "plugins.trusted_keys",
                "no key, while `plugins.require_signatures` asks for signatures",
                "the public keys of those who may sign plugins",
            ));
        }
        for (name, entry) in &self.load {
            if !is_name(name) {
                let expected = "a name of lower-case letters, digits and hyphens that begins with a letter";
                problems.push(Problem::at("plugins.load", format!("`{name}`"), expected));
            }
            problems.extend(entry.problems(&format!("plugins.load.{name}")));
        }
        problems
    }
}

/// Whether a text can name a plugin: `[a-z][a-z0-9-]*`, at most 63 bytes.
pub fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
