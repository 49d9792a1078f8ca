//! The lines of guests in the log of the host.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::bindings::base::weir::plugin::log::{Host, Level};
use super::super::faults::plain;
use super::super::instance::State;

const MESSAGE_BYTES_MAX: usize = 4 << 10;
const FIELDS_MAX: usize = 16;
const FIELD_BYTES_MAX: usize = 512;
const SECOND: Duration = Duration::from_secs(1);

/// So many bytes a second; what comes after is dropped until the next second.
pub(super) struct Valve {
    bytes_per_second: u32,
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    bytes: u64,
    /// Since the last line that told of it.
    dropped: u64,
}

/// What happens to a line.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Written,
    /// Written after so many that were not.
    WrittenAfter(u64),
    Dropped,
}

impl Valve {
    pub(super) fn new(bytes_per_second: u32) -> Self {
        Self { bytes_per_second, window: Mutex::new(Window { began: Instant::now(), bytes: 0, dropped: 0 }) }
    }

    fn pass(&self, bytes: usize, now: Instant) -> Fate {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(window.began) >= SECOND {
            (window.began, window.bytes) = (now, 0);
        }
        window.bytes += bytes as u64;
        if window.bytes > self.bytes_per_second.into() {
            window.dropped += 1;
            return Fate::Dropped;
        }
        match std::mem::take(&mut window.dropped) {
            0 => Fate::Written,
            dropped => Fate::WrittenAfter(dropped),
        }
    }
}

impl Host for State {
    async fn write(&mut self, level: Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        self.count_host_call()?;
        if self.has_seen_keys() {
            self.loans.counters.log_lines_dropped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return Ok(());
        }
        let message = plain(&message, MESSAGE_BYTES_MAX);
        let fields = told(&fields);
        let loans = &self.loans;
        match loans.log.pass(message.len() + fields.len(), Instant::now()) {
            Fate::Dropped => {
                loans.counters.log_lines_dropped.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                return Ok(());
            }
            Fate::WrittenAfter(dropped) => {
                tracing::warn!(
                    plugin.name = loans.plugin,
                    dropped,
                    "the plugin logs more than it may; lines were dropped"
                );
            }
            Fate::Written => {}
        }
        let (plugin, request) = (loans.plugin.as_str(), self.invocation.request_id.as_str());
        match level {
            Level::Debug => {
                tracing::debug!(plugin.name = plugin, request.id = request, plugin.fields = fields, "{message}")
            }
            Level::Info => {
                tracing::info!(plugin.name = plugin, request.id = request, plugin.fields = fields, "{message}")
            }
            Level::Warn => {
                tracing::warn!(plugin.name = plugin, request.id = request, plugin.fields = fields, "{message}")
            }
            Level::Error => {
                tracing::error!(plugin.name = plugin, request.id = request, plugin.fields = fields, "{message}")
            }
        }
        Ok(())
    }
}

/// The guest's fields in one: their names are its own, so they must not become names of the host's log.
fn told(fields: &[(String, String)]) -> String {
    let one = |(key, value): &(String, String)| {
        format!("{}={}", plain(key, 64).replace(' ', "_"), plain(value, FIELD_BYTES_MAX))
    };
    fields.iter().take(FIELDS_MAX).map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p7_a_flood_of_lines_is_dropped_and_told_once_it_is_over() {
        let valve = Valve::new(100);
        let start = Instant::now();
        assert_eq!(valve.pass(60, start), Fate::Written);
        assert_eq!(valve.pass(60, start), Fate::Dropped);
        assert_eq!(valve.pass(60, start), Fate::Dropped);
        assert_eq!(valve.pass(60, start + SECOND), Fate::WrittenAfter(2));
        assert_eq!(valve.pass(10, start + SECOND), Fate::Written);
    }

    #[test]
    fn t14_fields_forge_no_lines_and_are_few() {
        let fields = vec![("a b\n".to_owned(), "x\r\n\u{1b}[2Jy".to_owned()); 100];
        let line = told(&fields);
        assert!(!line.contains(char::is_control), "{line:?}");
        assert_eq!(line.matches("a_b_=").count(), FIELDS_MAX);
    }
}
