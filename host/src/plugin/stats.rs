//! What a plugin did so far, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::faults::PluginFault;
use super::lifecycle::now_ms;

/// Upper bounds of the latency histogram; one bucket more takes the rest.
pub const LATENCY_BOUNDS_US: [u64; 16] =
    [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 10_000_000];

/// A snapshot of the numbers of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GuestStats {
    pub calls: u64,
    /// By code; a code without faults is absent.
    pub faults: BTreeMap<&'static str, u64>,
    /// Calls by duration, the bounds are [`LATENCY_BOUNDS_US`].
    pub latency: Vec<u64>,
    pub latency_us_total: u64,
    /// Calls that wait for an instance.
    pub queued: usize,
    /// Calls under way.
    pub busy: usize,
    /// Warm instances that wait for a call.
    pub idle: usize,
    /// Instances made so far.
    pub instances_made: u64,
    /// What the plugin asked for, but was not granted: by capability.
    pub denied: BTreeMap<&'static str, u64>,
    /// Lines that were too many for the log.
    pub log_lines_dropped: u64,
    pub last_fault: Option<LastFault>,
}

/// The latest call without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastFault {
    pub code: &'static str,
    pub message: String,
    /// Milliseconds since the epoch.
    pub at_ms: i64,
}

#[derive(Default)]
pub(super) struct Counters {
    metered: Metered,
    last_fault: Mutex<Option<LastFault>>,
    calls: AtomicU64,
    faults: [AtomicU64; PluginFault::CODES.len()],
    latency: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    latency_us_total: AtomicU64,
    pub(super) instances_made: AtomicU64,
    pub(super) log_lines_dropped: AtomicU64,
    denied: [AtomicU64; Capability::NAMES.len()],
}

/// The same numbers for whoever scrapes the metrics: looked up once, because a call takes microseconds.
struct Metered {
    plugin: String,
    calls: metrics::Counter,
    seconds: metrics::Histogram,
}

impl Metered {
    fn of(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            calls: metrics::counter!("weir_plugin_calls_total", "plugin" => plugin.to_owned()),
            seconds: metrics::histogram!("weir_plugin_call_seconds", "plugin" => plugin.to_owned()),
        }
    }
}

impl Default for Metered {
    fn default() -> Self {
        Self { plugin: String::new(), calls: metrics::Counter::noop(), seconds: metrics::Histogram::noop() }
    }
}

/// What a plugin can be denied.
#[derive(Clone, Copy, Debug)]
pub(super) enum Capability {
    Http,
    Secret,
    Reveal,
}

impl Capability {
    const NAMES: [&'static str; 3] = ["http", "secret", "reveal"];
}

impl Counters {
    pub(super) fn of(plugin: &str) -> Self {
        Self { metered: Metered::of(plugin), ..Self::default() }
    }

    pub(super) fn answered(&self, took: Duration, fault: Option<&PluginFault>) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.latency[LATENCY_BOUNDS_US.partition_point(|bound| *bound < took_us)].fetch_add(1, Ordering::Relaxed);
        self.latency_us_total.fetch_add(took_us, Ordering::Relaxed);
        self.metered.calls.increment(1);
        self.metered.seconds.record(took.as_secs_f64());
        if let Some(fault) = fault {
            self.failed(fault);
        }
    }

    fn failed(&self, fault: &PluginFault) {
        self.faults[fault.index()].fetch_add(1, Ordering::Relaxed);
        let labels = [("plugin", self.metered.plugin.clone()), ("code", fault.code().to_owned())];
        metrics::counter!("weir_plugin_faults_total", &labels).increment(1);
        let last = LastFault { code: fault.code(), message: fault.to_string(), at_ms: now_ms() };
        *self.last_fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
    }

    pub(super) fn denied(&self, capability: Capability) {
        self.denied[capability as usize].fetch_add(1, Ordering::Relaxed);
        let labels = [
            ("plugin", self.metered.plugin.clone()),
            ("capability", Capability::NAMES[capability as usize].to_owned()),
        ];
        metrics::counter!("weir_plugin_denied_total", &labels).increment(1);
    }

    /// Everything but what only the pool knows.
    pub(super) fn snapshot(&self) -> GuestStats {
        GuestStats {
            calls: self.calls.load(Ordering::Relaxed),
            faults: named(&PluginFault::CODES, &self.faults),
            latency: self.latency.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect(),
            latency_us_total: self.latency_us_total.load(Ordering::Relaxed),
            instances_made: self.instances_made.load(Ordering::Relaxed),
            denied: named(&Capability::NAMES, &self.denied),
            log_lines_dropped: self.log_lines_dropped.load(Ordering::Relaxed),
            last_fault: self.last_fault.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            ..GuestStats::default()
        }
    }
}

fn named(names: &[&'static str], counters: &[AtomicU64]) -> BTreeMap<&'static str, u64> {
    let counted = counters.iter().map(|counter| counter.load(Ordering::Relaxed));
    names.iter().copied().zip(counted).filter(|(_, count)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_duration_and_by_fault() {
        let counters = Counters::default();
        counters.answered(Duration::from_micros(10), None);
        counters.answered(Duration::from_secs(100), Some(&PluginFault::Saturated));
        counters.denied(Capability::Secret);
        let stats = counters.snapshot();
        assert_eq!((stats.calls, stats.latency[0], stats.latency[LATENCY_BOUNDS_US.len()]), (2, 1, 1));
        assert_eq!(stats.faults, BTreeMap::from([("plugin_saturated", 1)]));
        assert_eq!(stats.denied, BTreeMap::from([("secret", 1)]));
        assert_eq!(stats.last_fault.map(|fault| fault.code), Some("plugin_saturated"));
    }
}
