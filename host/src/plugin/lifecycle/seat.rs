//! One plugin from its declaration to an instance that works.

use std::sync::Arc;

use super::resolved::{Resolved, resolve};
use super::status::State;
use super::{Lifecycle, now_ms};
use crate::config::{PluginEntry, PluginMode};
use crate::plugin::load::{self, Refusal, Verified};
use crate::plugin::{Description, Egress, Guest, GuestSettings, Limits, Member, Mode, Scope, Secret, Secrets};

/// A plugin that is in place.
#[derive(Clone)]
pub(super) struct Seat {
    pub entry: PluginEntry,
    pub resolved: Resolved,
    pub guest: Arc<Guest>,
    pub signed_by: Option<String>,
    pub since_ms: i64,
}

impl Seat {
    pub fn member(&self) -> Member {
        Member { guest: Arc::clone(&self.guest), mode: mode(&self.entry), scope: scope(&self.entry) }
    }

    /// Whether another seat would answer everything as this one.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.guest, &other.guest) && self.entry == other.entry
    }
}

pub(super) fn mode(entry: &PluginEntry) -> Mode {
    match entry.mode {
        PluginMode::Enforce => Mode::Enforce,
        PluginMode::Shadow => Mode::Shadow,
    }
}

pub(super) fn scope(entry: &PluginEntry) -> Scope {
    Scope { projects: entry.projects.clone(), warehouses: entry.warehouses.clone() }
}

impl Lifecycle {
    /// Takes every gate; `before` is what is in place, which stays when nothing changed.
    pub(super) async fn prepare(&self, name: &str, entry: PluginEntry, before: Option<&Seat>) -> Result<Seat, Refusal> {
        if let Some(before) = before
            && mode(&before.entry) == Mode::Enforce
            && mode(&entry) == Mode::Shadow
            && !entry.allow_downgrade
        {
            let why = "it decides now, and would only be watched: `allow_downgrade = true` says that this is meant";
            return Err(Refusal::Configuration(why.into()));
        }
        self.stage(name, State::Fetching);
        let read = entry.clone();
        let broke_off = |panic: tokio::task::JoinError| Refusal::Configuration(panic.to_string());
        let resolved = tokio::task::spawn_blocking(move || resolve(&read)).await.map_err(broke_off)??;
        let verified = load::verified(&resolved.demand, &self.trust, &self.fetcher).await?;
        if let Some(before) = before
            && before.resolved.fingerprint == resolved.fingerprint
            && before.guest.sha256() == verified.digest.to_string()
        {
            return Ok(Seat { entry, resolved, ..before.clone() });
        }
        self.stage(name, State::Compiling);
        let sandbox = self.sandbox().await?;
        let compiled = sandbox.compile_verified(&verified, self.cache.clone()).await?;
        self.stage(name, State::Configuring);
        let guest = Guest::load(sandbox, &compiled, guest_settings(name, &entry, &resolved)).await?;
        self.check_description(name, &entry, &guest)?;
        Ok(Seat { entry, resolved, guest, signed_by: signer(&verified), since_ms: now_ms() })
    }

    /// What only the guest itself could tell: its version, the secrets and origins that it cannot do without.
    fn check_description(&self, name: &str, entry: &PluginEntry, guest: &Guest) -> Result<(), Refusal> {
        let description = guest.description();
        missing_grants(entry, description)?;
        let minimum = entry.min_version.as_deref();
        let version = self.floors.check(name, &description.version, minimum, entry.allow_downgrade)?;
        self.floors.raise(name, &version);
        Ok(())
    }
}

/// What the plugin cannot do without, but is not granted.
pub fn missing_grants(entry: &PluginEntry, description: &Description) -> Result<(), Refusal> {
    let missing: Vec<_> =
        description.secrets.iter().filter(|secret| !entry.secrets.contains_key(*secret)).cloned().collect();
    if !missing.is_empty() {
        let why = format!("it needs the secrets {}; name them in its `secrets`", missing.join(", "));
        return Err(Refusal::NotGranted(why));
    }
    if !description.egress.is_empty() && entry.egress.is_empty() {
        let why = format!("it cannot do without {}; grant origins in its `egress`", description.egress.join(", "));
        return Err(Refusal::NotGranted(why));
    }
    Ok(())
}

fn signer(verified: &Verified) -> Option<String> {
    verified.signed_by.as_ref().map(ToString::to_string)
}

/// What a declaration comes to for the sandbox.
pub fn guest_settings(name: &str, entry: &PluginEntry, resolved: &Resolved) -> GuestSettings {
    let secret = |(local_name, value): (&String, &Vec<u8>)| {
        (local_name.clone(), Secret::new(value, entry.reveal.contains(local_name)))
    };
    let secrets: Secrets = resolved.secrets.iter().map(secret).collect();
    GuestSettings {
        name: name.to_owned(),
        settings_json: resolved.settings.clone(),
        limits: limits(entry),
        secrets,
        egress: Egress { origins: entry.egress.clone(), allow_private: entry.allow_private },
        claims: entry.claims.clone(),
    }
}

fn limits(entry: &PluginEntry) -> Limits {
    let limits = &entry.limits;
    Limits {
        deadline_ms: limits.deadline_ms,
        load_deadline_ms: limits.load_deadline_ms,
        memory_bytes_max: limits.memory_bytes_max,
        table_elements_max: limits.table_elements_max,
        instances_max: limits.instances_max,
        queue_max: limits.queue_max,
        output_bytes_max: limits.output_bytes_max,
        handles_max: limits.handles_max,
        log_bytes_per_second: limits.log_bytes_per_second,
        host_calls_max: limits.host_calls_max,
        http_calls_max: limits.http_calls_max,
        http_bytes_max: limits.http_bytes_max,
        http_connections_max: limits.http_connections_max,
        cache_entries_max: limits.cache_entries_max,
        cache_bytes_max: limits.cache_bytes_max,
        failures_max: limits.failures_max,
        fresh: limits.fresh,
    }
}
