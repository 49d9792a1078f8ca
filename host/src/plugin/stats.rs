//! What a plugin did so far, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::faults::PluginFault;

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
}

#[derive(Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    faults: [AtomicU64; PluginFault::CODES.len()],
    latency: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    latency_us_total: AtomicU64,
    pub(super) instances_made: AtomicU64,
    pub(super) log_lines_dropped: AtomicU64,
    denied: [AtomicU64; Capability::NAMES.len()],
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
    pub(super) fn answered(&self, took: Duration, fault: Option<&PluginFault>) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.latency[LATENCY_BOUNDS_US.partition_point(|bound| *bound < took_us)].fetch_add(1, Ordering::Relaxed);
        self.latency_us_total.fetch_add(took_us, Ordering::Relaxed);
        if let Some(fault) = fault {
            self.faults[fault.index()].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn denied(&self, capability: Capability) {
        self.denied[capability as usize].fetch_add(1, Ordering::Relaxed);
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
    }
}
