//! What an error of the engine means: which limit was hit, or that the guest broke off.

use wasmtime::{Error, PoolConcurrencyLimitError, Trap};

use super::faults::{PluginFault, plain};
use super::imports::HostCallsExhausted;
use super::instance::Overdue;
use super::limits::Limits;
use super::memory::{BudgetSpent, OverLimit};

/// The engine has no type for it.
const TOO_MUCH_COPIED: &str = "fuel allocated for hostcalls has been exhausted";
const TEXT_BYTES_MAX: usize = 300;

/// The fault behind an error of a call, an instantiation, that had so much time.
pub(super) fn fault(error: &Error, limits: &Limits, deadline_ms: u32) -> PluginFault {
    if let Some(over) = error.downcast_ref::<OverLimit>() {
        return PluginFault::MemoryExceeded(over.to_string());
    }
    if let Some(spent) = error.downcast_ref::<BudgetSpent>() {
        return PluginFault::MemorySpent(spent.to_string());
    }
    if error.downcast_ref::<Overdue>().is_some() {
        return PluginFault::Timeout { deadline_ms };
    }
    if error.downcast_ref::<HostCallsExhausted>().is_some() {
        return PluginFault::HostCallsExceeded { calls_max: limits.host_calls_max };
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return PluginFault::Saturated;
    }
    let root = error.root_cause().to_string();
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => PluginFault::Timeout { deadline_ms },
        Some(trap) => PluginFault::Trap(trap.to_string()),
        None if root.contains(TOO_MUCH_COPIED) => PluginFault::OutputTooLarge { bytes_max: limits.output_bytes_max },
        None => PluginFault::Trap(plain(&root, TEXT_BYTES_MAX)),
    }
}
