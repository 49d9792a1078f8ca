//! Whether the disk under the embedded ledger keeps what it is given.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::faults::is_disk_fault;
use crate::error::{Error, Result};

/// How often a write is tried while the disk fails.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// After a failed write or flush nothing is acknowledged until a write succeeds.
pub(super) struct Health {
    sickness: Mutex<Option<Sickness>>,
}

struct Sickness {
    reason: String,
    tried: Option<Instant>,
}

impl Health {
    pub(super) fn new() -> Self {
        Self { sickness: Mutex::new(None) }
    }

    pub(super) fn is_sick(&self) -> bool {
        self.sickness.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Lets everybody through while healthy, one at a time while sick: that one probes. The others are refused at once.
    pub(super) fn admit(&self) -> Result<()> {
        let mut sickness = self.sickness.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sick) = sickness.as_mut() else { return Ok(()) };
        if sick.tried.is_some_and(|tried| tried.elapsed() < PROBE_INTERVAL) {
            return Err(Error::unavailable(format!(
                "the ledger's disk refuses writes ({}), nothing is acknowledged until it recovers; free some space",
                sick.reason
            )));
        }
        sick.tried = Some(Instant::now());
        Ok(())
    }

    /// Remembers a failure of the disk; other errors say nothing about it.
    pub(super) fn note(&self, error: &sqlx::Error) {
        if !is_disk_fault(error) {
            return;
        }
        let mut sickness = self.sickness.lock().unwrap_or_else(PoisonError::into_inner);
        match sickness.as_mut() {
            Some(sick) => sick.reason = error.to_string(),
            None => {
                tracing::error!(error = %error, "the ledger's disk fails: no write is acknowledged until it recovers");
                *sickness = Some(Sickness { reason: error.to_string(), tried: None });
            }
        }
    }

    pub(super) fn recovered(&self) {
        let before = self.sickness.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sick) = before {
            tracing::info!(reason = %sick.reason, "the ledger's disk recovered");
        }
    }
}
