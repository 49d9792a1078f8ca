//! The plugins: what is declared, what is in place, why something was refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ErrorResponse;
use crate::api::authorize::{Difference, Object};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::error::Error;
use crate::plugin::lifecycle::{Failure, Status};
use crate::plugin::{LATENCY_BOUNDS_US, LastFault, Mode};

/// The plugins of this process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PluginsAnswer {
    /// The number of the set of plugins that decides now; it grows with each swap.
    pub generation: u64,
    /// Why the declarations could not be read the last time; those in place go on.
    pub last_failure: Option<PluginFailure>,
    pub plugins: Vec<Plugin>,
    /// The latest decisions that a shadow would have changed, newest last.
    pub shadow_differences: Vec<ShadowDifference>,
}

/// A decision that a shadow would have changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ShadowDifference {
    pub plugin: String,
    pub caller: String,
    /// An action, or `contract:` with an operation.
    pub action: String,
    pub object: String,
    /// What was decided.
    pub live: &'static str,
    /// What would have been decided.
    pub shadow: &'static str,
    /// Milliseconds since the epoch.
    pub at_ms: u64,
}

/// One declared plugin.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Plugin {
    pub name: String,
    /// `active`, `shadow`, `refused`, `backing-off`, `broken`, or a step on the way.
    #[schema(value_type = String)]
    pub state: crate::plugin::lifecycle::State,
    pub mode: PluginMode,
    pub required: bool,
    /// Where its component comes from.
    pub source: String,
    /// The projects that it governs; everything where `projects` and `warehouses` are empty.
    pub projects: Vec<String>,
    pub warehouses: Vec<String>,
    /// The origins that it may reach.
    pub egress_granted: Vec<String>,
    /// The names of its secrets.
    pub secrets_granted: Vec<String>,
    /// What works now: the newest version, or the last good one.
    pub in_place: Option<PluginInPlace>,
    /// Why the newest version was refused.
    pub last_failure: Option<PluginFailure>,
    /// How many decisions it would have changed, had it been heard: counted while it is a shadow.
    pub differences: u64,
}

/// Whether a plugin's answers count.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginMode {
    Enforce,
    Shadow,
}

/// The version of a plugin that works now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PluginInPlace {
    /// Of the component, inflated.
    pub sha256: String,
    /// The trusted key that signed it.
    pub signed_by: Option<String>,
    /// What it calls itself.
    pub title: String,
    pub version: String,
    pub summary: String,
    /// The track of the plugin interface.
    pub track: &'static str,
    /// What it is able to do: `authorizer`, `authorizer-plan`, `contract`, `contract-transaction`.
    pub abilities: Vec<&'static str>,
    /// The origins that it asks for.
    pub egress_asked: Vec<String>,
    /// The secrets that it asks for.
    pub secrets_asked: Vec<String>,
    #[schema(value_type = Object)]
    pub limits: crate::plugin::Limits,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    pub calls: u64,
    /// Calls without an answer, by code.
    pub faults: BTreeMap<&'static str, u64>,
    /// What it asked for, but was not granted, by capability.
    pub denied: BTreeMap<&'static str, u64>,
    /// Calls by duration: `le-us` is the upper bound in microseconds, absent for the rest.
    pub latency: Vec<LatencyBucket>,
    /// The latest call without an answer.
    pub last_fault: Option<PluginFailure>,
    /// `closed`; `open` while it is left alone because it failed too often, `half-open` while one call tries.
    pub breaker: &'static str,
    pub queued: usize,
    pub busy: usize,
    pub idle: usize,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LatencyBucket {
    pub le_us: Option<u64>,
    pub calls: u64,
}

/// Why something was refused.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PluginFailure {
    /// A stable word, e.g. `wrong_digest`.
    pub code: &'static str,
    pub message: String,
    /// Milliseconds since the epoch.
    pub at_ms: i64,
}

/// How a reload went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReloadAnswer {
    pub generation: u64,
    /// Whether another set of plugins decides now.
    pub swapped: bool,
    /// The plugins that were refused, with the reasons; where one was in place before, it stays.
    pub refused: BTreeMap<String, PluginFailure>,
}

/// Every declared plugin, with what it did so far.
#[utoipa::path(get, path = "/management/v1/plugins", tag = "plugins", summary = "List Plugins",
    responses((status = 200, body = PluginsAnswer), (status = "4XX", body = ErrorResponse)))]
pub async fn list_plugins(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<PluginsAnswer>, Error> {
    app.authorize_look(&caller, Action::ServerManage, Object::Server).await?;
    let counts = app.authorization.shadow_counts();
    Ok(Json(PluginsAnswer {
        generation: app.plugins.current().number,
        last_failure: app.lifecycle.failure().map(failure),
        plugins: app.lifecycle.statuses().into_iter().map(|status| plugin(status, &counts)).collect(),
        shadow_differences: app.authorization.shadow_differences().into_iter().map(difference).collect(),
    }))
}

/// Reads the declarations and files again, and swaps in what passes every gate.
#[utoipa::path(post, path = "/management/v1/plugins/reload", tag = "plugins", summary = "Reload Plugins",
    responses((status = 200, body = ReloadAnswer), (status = "4XX", body = ErrorResponse)))]
pub async fn reload_plugins(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<ReloadAnswer>, Error> {
    app.authorize(&caller, Action::ServerManage, Object::Server).await?;
    let reload = app.lifecycle.reload().await.map_err(|failure| {
        Error::bad_request(format!("the plugins are not loaded again, those in place go on: {}", failure.message))
    })?;
    tracing::info!(
        caller.id = caller.id(),
        generation = reload.generation,
        swapped = reload.swapped,
        "plugins reloaded"
    );
    let refused = reload.refused.into_iter().map(|(name, why)| (name, failure(why))).collect();
    Ok(Json(ReloadAnswer { generation: reload.generation, swapped: reload.swapped, refused }))
}

fn difference(found: Difference) -> ShadowDifference {
    let Difference { plugin, caller, action, object, live, shadow, at_ms } = found;
    ShadowDifference { plugin, caller, action, object, live, shadow, at_ms }
}

fn plugin(status: Status, counts: &BTreeMap<String, u64>) -> Plugin {
    Plugin {
        differences: counts.get(&status.name).copied().unwrap_or_default(),
        name: status.name,
        state: status.state,
        mode: match status.mode {
            Mode::Enforce => PluginMode::Enforce,
            Mode::Shadow => PluginMode::Shadow,
        },
        required: status.required,
        source: status.source,
        projects: status.projects,
        warehouses: status.warehouses,
        egress_granted: status.egress,
        secrets_granted: status.secrets,
        in_place: status.in_place.map(in_place),
        last_failure: status.last_failure.map(failure),
    }
}

fn in_place(found: crate::plugin::lifecycle::InPlace) -> PluginInPlace {
    let abilities = [
        ("authorizer", found.abilities.authorizer),
        ("authorizer-plan", found.abilities.authorizer_plan),
        ("authorizer-events", found.abilities.authorizer_events),
        ("authorizer-grants", found.abilities.authorizer_grants),
        ("contract", found.abilities.contract),
        ("contract-transaction", found.abilities.contract_transaction),
    ];
    let bounds = LATENCY_BOUNDS_US.iter().map(|bound| Some(*bound)).chain([None]);
    PluginInPlace {
        sha256: found.sha256,
        signed_by: found.signed_by,
        title: found.description.name,
        version: found.description.version,
        summary: found.description.summary,
        track: "0.1",
        abilities: abilities.into_iter().filter_map(|(name, has)| has.then_some(name)).collect(),
        egress_asked: found.description.egress,
        secrets_asked: found.description.secrets,
        limits: found.limits,
        since_ms: found.since_ms,
        calls: found.stats.calls,
        faults: found.stats.faults,
        denied: found.stats.denied,
        last_fault: found.stats.last_fault.map(|LastFault { code, message, at_ms }| PluginFailure {
            code,
            message,
            at_ms,
        }),
        breaker: found.breaker,
        latency: bounds.zip(found.stats.latency).map(|(le_us, calls)| LatencyBucket { le_us, calls }).collect(),
        queued: found.stats.queued,
        busy: found.stats.busy,
        idle: found.stats.idle,
    }
}

fn failure(failure: Failure) -> PluginFailure {
    PluginFailure { code: failure.code, message: failure.message, at_ms: failure.at_ms }
}
