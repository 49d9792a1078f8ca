//! The state of the plugins as metrics, measured when somebody looks.

use std::collections::BTreeSet;

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};

use super::Lifecycle;
use super::status::{State, Status};

const IN_PLACE: &str = "weir_plugin_in_place";
const REFUSED: &str = "weir_plugin_refused";
const BREAKER_OPEN: &str = "weir_plugin_breaker_open";
const BUSY: &str = "weir_plugin_calls_in_flight";
const QUEUED: &str = "weir_plugin_calls_queued";
const IDLE: &str = "weir_plugin_instances_idle";
const GENERATION: &str = "weir_plugin_generation";
const RELOAD_FAILED: &str = "weir_plugin_reload_failed";

pub(super) fn describe() {
    describe_counter!("weir_plugin_calls_total", "Calls of a plugin");
    describe_histogram!("weir_plugin_call_seconds", metrics::Unit::Seconds, "Time from a question to its answer");
    describe_counter!("weir_plugin_faults_total", "Calls without an answer, by code");
    describe_counter!("weir_plugin_denied_total", "What a plugin asked for, but was not granted");
    describe_gauge!(IN_PLACE, "Whether a version of the plugin is in place");
    describe_gauge!(REFUSED, "Whether the newest version of the plugin was not let in");
    describe_gauge!(BREAKER_OPEN, "Whether the plugin is left alone because it failed too often");
    describe_gauge!(BUSY, "Calls of the plugin that are under way");
    describe_gauge!(QUEUED, "Calls that wait for an instance of the plugin");
    describe_gauge!(IDLE, "Warm instances of the plugin");
    describe_gauge!(GENERATION, "The number of the set of plugins that decides");
    describe_gauge!(RELOAD_FAILED, "Whether the last reload could not bring in all that is declared");
}

impl Lifecycle {
    /// Measures now. A plugin that is declared no longer is told once more, as gone.
    pub fn measure(&self) {
        let statuses = self.statuses();
        let mut gone: BTreeSet<String> = std::mem::take(&mut self.book().measured);
        for status in &statuses {
            gone.remove(&status.name);
            one(status);
        }
        for name in gone {
            for metric in [IN_PLACE, REFUSED, BREAKER_OPEN, BUSY, QUEUED, IDLE] {
                set(metric, &name, 0.0);
            }
        }
        let failed = self.failure().is_some() || statuses.iter().any(|status| status.last_failure.is_some());
        gauge!(GENERATION).set(self.plugins.current().number as f64);
        gauge!(RELOAD_FAILED).set(f64::from(failed));
        self.book().measured = statuses.into_iter().map(|status| status.name).collect();
    }
}

fn one(status: &Status) {
    let set = |metric, value| set(metric, &status.name, value);
    set(IN_PLACE, f64::from(status.in_place.is_some()));
    set(REFUSED, f64::from(status.last_failure.is_some()));
    set(BREAKER_OPEN, f64::from(status.state == State::Broken));
    let stats = status.in_place.as_ref().map(|in_place| &in_place.stats);
    set(BUSY, stats.map_or(0.0, |stats| stats.busy as f64));
    set(QUEUED, stats.map_or(0.0, |stats| stats.queued as f64));
    set(IDLE, stats.map_or(0.0, |stats| stats.idle as f64));
}

fn set(metric: &'static str, plugin: &str, value: f64) {
    gauge!(metric, "plugin" => plugin.to_owned()).set(value);
}
