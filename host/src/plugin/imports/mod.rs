//! What the host lends to guests, the only ways out of the sandbox.

mod cache;
mod change;
mod egress;
mod http;
mod http_auth;
mod http_head;
mod log;
mod secrets;
mod sigv4;
mod wasi;

use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use super::bindings::base::Plugin;
use super::bindings::reviewing::weir::plugin::change as change_interface;
use super::instance::State;
use super::limits::Limits;
use super::stats::Counters;
use super::storage::Loan;

pub use change::{MetadataView, ProposalView};
pub use egress::Egress;
pub use secrets::{Secret, SecretHandle, Secrets};
pub(super) use wasi::{is_lent as is_lent_by_wasi, lend as lend_wasi};

/// What all instances of one plugin share.
pub(super) struct Loans {
    pub(super) plugin: String,
    pub(super) limits: Limits,
    pub(super) counters: Counters,
    log: log::Valve,
    secrets: Secrets,
    http: http::Client,
    cache: cache::Cache,
}

impl Loans {
    pub(super) fn new(plugin: &str, limits: Limits, secrets: Secrets, egress: &Egress) -> Result<Self, Vec<String>> {
        Ok(Self {
            plugin: plugin.to_owned(),
            counters: Counters::of(plugin),
            log: log::Valve::new(limits.log_bytes_per_second),
            http: http::Client::new(egress, &limits)?,
            cache: cache::Cache::new(&limits),
            secrets,
            limits,
        })
    }
}

/// What one call of the guest has left.
pub(super) struct Budget {
    host_calls: u32,
    http_calls: u32,
    http_bytes: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { host_calls: limits.host_calls_max, http_calls: limits.http_calls_max, http_bytes: limits.http_bytes_max }
    }
}

/// The guest called the host more often than it may.
#[derive(Debug, thiserror::Error)]
#[error("the calls of the host are used up")]
pub(super) struct HostCallsExhausted;

impl State {
    /// Each loan begins with this: a guest that does nothing but call the host is stopped, too.
    fn count_host_call(&mut self) -> wasmtime::Result<()> {
        let budget = &mut self.invocation.budget;
        budget.host_calls = budget.host_calls.checked_sub(1).ok_or(HostCallsExhausted)?;
        Ok(())
    }

    /// Whether keys may have come into the guest's memory in this call: then nothing leaves it but its answer.
    fn has_seen_keys(&self) -> bool {
        self.invocation.loan.as_ref().is_some_and(Loan::has_seen_keys)
    }

    /// The time of the call; outside of calls (`configure`) the host's own.
    fn now_ms(&self) -> u64 {
        match self.invocation.now_ms {
            0 => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
            }
            now_ms => now_ms,
        }
    }
}

/// Everything that a component may import, but for WASI, whose shape the component tells.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    Plugin::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    change_interface::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
