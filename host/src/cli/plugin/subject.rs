//! The plugin that a verb is about, taken through the gates of the loader.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Refused, Source};
use crate::config::{PluginEntry, Plugins};
use crate::plugin::lifecycle::{Resolved, guest_settings, missing_grants, resolve};
use crate::plugin::load::{self, BUNDLED, Demand, Digest, Fetcher, Refusal, Trust, TrustedKey, Verified};
use crate::plugin::{COMPONENT_BYTES_MAX, Compiled, Description, Guest, LoadError, Sandbox, SandboxSettings};

/// Which bytes.
#[derive(clap::Args)]
pub(super) struct Component {
    /// The component: a file (also packed by gzip or zstd), or `builtin:<name>`.
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// The sha256 that it must have, inflated.
    #[arg(long, value_name = "DIGEST")]
    sha256: Option<String>,
    /// The file of its signature; without it `<file>.sig` is looked at.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// A public key that may have signed it, `ed25519:<base64>`, beside those of `plugins.trusted_keys`.
    #[arg(long, value_name = "KEY")]
    trusted_key: Vec<String>,
}

/// What it is given, as `[plugins.load.<name>]` would give it.
#[derive(clap::Args)]
pub(super) struct Grants {
    /// Its settings: a TOML file (`.toml`) or a JSON file.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// A secret: `<name>=file:<path>` or `<name>=env:<NAME>`.
    #[arg(long, value_name = "NAME=FROM", value_parser = named)]
    secret: Vec<(String, String)>,
    /// An origin that it may call, `https://host[:port]`.
    #[arg(long, value_name = "ORIGIN")]
    egress: Vec<String>,
    /// Whether those origins may lead to loopback or private addresses.
    #[arg(long)]
    allow_private: bool,
    /// How long one answer may take, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    deadline_ms: u32,
}

fn named(text: &str) -> Result<(String, String), String> {
    let (name, from) = text.split_once('=').ok_or("`<name>=file:<path>` or `<name>=env:<NAME>` is expected")?;
    Ok((name.to_owned(), from.to_owned()))
}

/// A component that passed the gates up to the compiler.
pub(super) struct Subject {
    pub sandbox: Arc<Sandbox>,
    pub verified: Verified,
    pub compiled: Compiled,
}

impl Subject {
    /// Fetched, inflated, verified, bounded, compiled, its imports and exports looked at.
    pub async fn open(component: &Component, source: &Source) -> anyhow::Result<Self> {
        let settings = source.load()?.plugins;
        let verified = verified(component, &settings).await?;
        let sandbox = Sandbox::open(SandboxSettings::of(&settings))?;
        let compiled = sandbox.compile_verified(&verified, None).await.map_err(Refused::from)?;
        Ok(Self { sandbox, verified, compiled })
    }

    /// What it says of itself, without being configured.
    pub async fn describe(&self) -> anyhow::Result<Description> {
        Ok(Guest::describe(&self.sandbox, &self.compiled).await.map_err(Refused::from)?)
    }

    /// Configured, with its grants compared with what it asks for.
    pub async fn guest(&self, entry: &PluginEntry) -> anyhow::Result<Arc<Guest>> {
        let resolved: Resolved = resolve(entry).map_err(Refused::from)?;
        let settings = guest_settings("under-test", entry, &resolved);
        let guest = Guest::load(&self.sandbox, &self.compiled, settings).await.map_err(Refused::from)?;
        missing_grants(entry, guest.description()).map_err(Refused::from)?;
        Ok(guest)
    }
}

/// The plugin's bytes, verified as the loader does.
pub(super) async fn verified(component: &Component, settings: &Plugins) -> anyhow::Result<Verified> {
    let keys = settings.trusted_keys.iter().chain(&component.trusted_key).map(|key| TrustedKey::parse(key));
    let keys = keys.collect::<Result<Vec<_>, _>>().map_err(anyhow::Error::msg)?;
    let trust = Trust { keys, required: settings.require_signatures };
    let source = match component.plugin.split_once(':') {
        Some(("builtin" | "file", _)) => load::Source::parse(&component.plugin).map_err(anyhow::Error::msg)?,
        _ => load::Source::File(PathBuf::from(&component.plugin)),
    };
    let wanted = "is no digest: 64 lower-case hexadecimal digits are";
    let sha256 = match &component.sha256 {
        Some(text) => Some(Digest::parse(text).ok_or_else(|| anyhow::anyhow!("`{text}` {wanted}"))?),
        None => None,
    };
    let demand = Demand { source, sha256, signature: component.signature.clone() };
    let fetcher = Fetcher::new(BUNDLED, COMPONENT_BYTES_MAX as u64);
    Ok(load::verified(&demand, &trust, &fetcher).await.map_err(Refused::from)?)
}

impl Grants {
    /// The declaration that these arguments stand for; `settings` are used where no file is named.
    pub fn entry(&self, component: &Component, settings: Option<serde_json::Value>) -> PluginEntry {
        let mut entry = PluginEntry {
            source: format!("file:{}", component.plugin),
            settings_file: self.settings.clone(),
            secrets: self.secret.iter().cloned().collect(),
            egress: self.egress.clone(),
            allow_private: self.allow_private,
            ..PluginEntry::default()
        };
        entry.limits.deadline_ms = self.deadline_ms;
        if let (Some(settings), None) = (settings, &self.settings) {
            entry.settings = settings;
        }
        entry
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code(), message: refusal.to_string(), remedy: None }
    }
}

impl From<LoadError> for Refused {
    fn from(error: LoadError) -> Self {
        let remedy = error.remedy();
        Self { remedy, ..Refusal::from(error).into() }
    }
}

impl Refused {
    /// The refusal as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "ok": false, "code": self.code, "message": self.message, "remedy": self.remedy })
    }
}
