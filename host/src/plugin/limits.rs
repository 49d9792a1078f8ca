//! What one plugin may use up.

use serde::Serialize;

/// The bounds of one plugin. Each of them is enforced, or the plugin is refused at load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// From the moment that a request asks to its answer: waiting for a free instance, computing, calls of the host.
    pub deadline_ms: u32,
    /// For the making of one instance: start, `describe`, `configure`.
    pub load_deadline_ms: u32,
    /// Linear memories of one instance.
    pub memory_bytes_max: u64,
    /// Elements of all tables of one instance.
    pub table_elements_max: u32,
    /// Instances, and so calls, at once.
    pub instances_max: u32,
    /// Calls that may wait for an instance; one more is `plugin_saturated`.
    pub queue_max: u32,
    /// What a guest may hand over in one go: the result of a call, the arguments of a host call.
    pub output_bytes_max: u32,
    /// Resource handles that are alive in one instance.
    pub handles_max: u32,
    /// What goes to the log; the rest is dropped, but counted.
    pub log_bytes_per_second: u32,
    /// Calls of the host in one call of the guest, whatever they do.
    pub host_calls_max: u32,
    /// HTTP requests in one call of the guest.
    pub http_calls_max: u32,
    /// HTTP bodies in one call of the guest, both ways together.
    pub http_bytes_max: u64,
    /// HTTP requests of all instances that are under way at once.
    pub http_connections_max: u32,
    /// Entries in the cache that the instances share.
    pub cache_entries_max: u32,
    /// Bytes in the cache that the instances share, keys included.
    pub cache_bytes_max: u32,
    /// Failures in a row after which it is left alone for a while; 0 for never.
    pub failures_max: u32,
    /// A new instance for each call: nothing is remembered between two of them.
    pub fresh: bool,
}

impl Default for Limits {
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
            failures_max: 0,
            fresh: false,
        }
    }
}

/// The largest deadline that makes sense for a request.
const DEADLINE_MS_MAX: u32 = 60_000;
const LOAD_DEADLINE_MS_MAX: u32 = 600_000;

impl Limits {
    /// Every limit that the host could not keep, in words for the operator.
    pub fn problems(&self, house: &super::SandboxSettings) -> Vec<String> {
        let mut problems = Vec::new();
        let mut between = |name: &str, value: u64, least: u64, most: u64| {
            if value < least || value > most {
                problems.push(format!("`limits.{name}` is {value}; the host can keep {least} to {most}"));
            }
        };
        between("deadline_ms", self.deadline_ms.into(), 1, DEADLINE_MS_MAX.into());
        between("load_deadline_ms", self.load_deadline_ms.into(), 1, LOAD_DEADLINE_MS_MAX.into());
        between("memory_bytes_max", self.memory_bytes_max, 64 << 10, house.memory_bytes_max);
        between("table_elements_max", self.table_elements_max.into(), 1, house.table_elements_max.into());
        between("instances_max", self.instances_max.into(), 1, house.instances_max.into());
        between("queue_max", self.queue_max.into(), 0, 100_000);
        between("output_bytes_max", self.output_bytes_max.into(), 1 << 10, 256 << 20);
        between("handles_max", self.handles_max.into(), 16, 1_000_000);
        between("host_calls_max", self.host_calls_max.into(), 0, u32::MAX.into());
        between("http_bytes_max", self.http_bytes_max, 0, 1 << 30);
        between("http_connections_max", self.http_connections_max.into(), 1, 10_000);
        between("cache_entries_max", self.cache_entries_max.into(), 1, 10_000_000);
        between("cache_bytes_max", self.cache_bytes_max.into(), 1 << 10, 1 << 30);
        problems
    }
}
