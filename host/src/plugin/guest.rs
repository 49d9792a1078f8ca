//! One configured plugin.

use std::sync::Arc;

use super::bindings::base::exports::weir::plugin::lifecycle::Description;
use super::component::{Abilities, Compiled};
use super::engine::Sandbox;
use super::faults::plain;
use super::imports::{Egress, Loans, Secrets};
use super::instance::Template;
use super::lifecycle::{Breaker, Position, now_ms};
use super::limits::Limits;
use super::load_error::LoadError;
use super::pool::{Pool, Unready};
use super::stats::GuestStats;

/// What the operator declares of one plugin, resolved: no file is read, no variable looked up any more.
#[derive(Clone, Debug, Default)]
pub struct GuestSettings {
    /// Its name in the configuration, in logs, in answers.
    pub name: String,
    /// What `configure` gets.
    pub settings_json: String,
    pub limits: Limits,
    pub secrets: Secrets,
    pub egress: Egress,
    /// The claims of a caller's token that it may be shown, where it asks for them.
    pub claims: Vec<String>,
}

/// One configured, compiled plugin with its instances.
pub struct Guest {
    name: String,
    sha256: String,
    abilities: Abilities,
    description: Description,
    claims: Vec<String>,
    pub(super) pool: Arc<Pool>,
    pub(super) breaker: Breaker,
    /// The kinds of storages that it serves, asked for once.
    pub(super) kinds: tokio::sync::OnceCell<Vec<String>>,
}

impl Guest {
    /// Links the component, makes one instance for trial, configures it; that instance then takes the first call.
    pub async fn load(
        sandbox: &Arc<Sandbox>,
        compiled: &Compiled,
        settings: GuestSettings,
    ) -> Result<Arc<Self>, LoadError> {
        let problems = settings.limits.problems(sandbox.settings());
        if !problems.is_empty() {
            return Err(LoadError::Limits(problems));
        }
        let template = Template::link(sandbox, compiled)?;
        let GuestSettings { name, settings_json, limits, secrets, egress, claims } = settings;
        let loans = Loans::new(&name, limits, secrets, &egress).map_err(LoadError::Grants)?;
        let pool = Arc::new(Pool::new(sandbox.clone(), Arc::new(loans), template, settings_json));
        let trial = pool.clone();
        // In a task of its own: a caller that gives up waiting leaves nothing half made.
        let trial = tokio::spawn(async move { trial.trial().await });
        let broke_off = |panic| LoadError::Compile(format!("the trial broke off: {panic}"));
        let (instance, description) = trial.await.map_err(broke_off)?.map_err(LoadError::from)?;
        // After the trial: what the guest says of itself may tell its author what went wrong.
        able(compiled)?;
        pool.keep_first(instance);
        let (sha256, abilities) = (compiled.sha256().to_owned(), compiled.abilities().clone());
        let breaker = Breaker::new(pool.loans.limits.failures_max);
        let description = tamed(description);
        let claims = shown_claims(claims, &description.claims);
        let kinds = tokio::sync::OnceCell::new();
        Ok(Arc::new(Self { name, sha256, abilities, description, claims, pool, breaker, kinds }))
    }

    /// What a component says of itself: the same gates, up to the one where settings would be given.
    pub async fn describe(sandbox: &Arc<Sandbox>, compiled: &Compiled) -> Result<Description, LoadError> {
        let template = Template::link(sandbox, compiled)?;
        let loans = Loans::new("under-test", Limits::default(), Secrets::new(), &Egress::default());
        let loans = Arc::new(loans.map_err(LoadError::Grants)?);
        let pool = Pool::new(sandbox.clone(), loans, template, String::new());
        let described = tokio::spawn(async move { pool.describe().await });
        let broke_off = |panic| LoadError::Compile(format!("the trial broke off: {panic}"));
        let description = described.await.map_err(broke_off)?.map_err(LoadError::from)?;
        able(compiled)?;
        Ok(tamed(description))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of the plain component, in lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    pub fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    /// What the guest says of itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The claims of a caller's token that it is shown.
    pub fn claims(&self) -> &[String] {
        &self.claims
    }

    pub fn limits(&self) -> &Limits {
        &self.pool.loans.limits
    }

    /// Whether it failed so often that it is left alone for a while.
    pub fn is_broken(&self) -> bool {
        self.breaker.position(now_ms()) != Position::Closed
    }

    /// Whether it is asked: `closed`, or `open` while it is left alone, `half-open` while one call tries.
    pub fn breaker(&self) -> &'static str {
        match self.breaker.position(now_ms()) {
            Position::Closed => "closed",
            Position::Open { .. } => "open",
            Position::HalfOpen => "half-open",
        }
    }

    /// Whether its last call failed.
    pub fn is_failing(&self) -> bool {
        self.breaker.is_troubled()
    }

    pub fn stats(&self) -> GuestStats {
        GuestStats {
            queued: self.pool.queued(),
            busy: self.pool.busy(),
            idle: self.pool.idle_len(),
            ..self.pool.loans.counters.snapshot()
        }
    }
}

impl From<Unready> for LoadError {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Fault { step, fault } => Self::Trial { step, fault },
            Unready::Settings(problems) => Self::Settings(problems),
        }
    }
}

/// A plugin decides something, or it is none.
fn able(compiled: &Compiled) -> Result<(), LoadError> {
    let Abilities { authorizer, contract, storage, .. } = *compiled.abilities();
    if authorizer || contract || storage {
        return Ok(());
    }
    Err(LoadError::Exports { found: compiled.exports().iter().cloned().collect() })
}

/// What the operator granted of what the guest asked for; `*` asks for whatever is granted, a grant of `*` there is not.
fn shown_claims(granted: Vec<String>, asked: &[String]) -> Vec<String> {
    granted.into_iter().filter(|claim| asked.iter().any(|one| one == "*" || one == claim)).collect()
}

/// The guest's words about itself reach status pages: plain lines of bounded length.
fn tamed(description: Description) -> Description {
    let Description { name, version, summary, settings_schema, secrets, egress, claims } = description;
    let lines = |words: Vec<String>| words.iter().take(64).map(|word| plain(word, 256)).collect();
    Description {
        name: plain(&name, 64),
        version: plain(&version, 64),
        summary: plain(&summary, 512),
        settings_schema,
        secrets: lines(secrets),
        egress: lines(egress),
        claims: lines(claims),
    }
}
