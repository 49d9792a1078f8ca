//! The guests: sandboxed plugins that decide; the only room that knows wasmtime.

mod ahead;
pub mod bindings;
mod call;
pub mod chain;
mod component;
mod engine;
mod faults;
mod findings;
mod generation;
mod guest;
#[cfg(test)]
#[cfg(feature = "compiler")]
mod hand_written;
mod imports;
#[cfg(feature = "compiler")]
mod inspect;
mod instance;
pub mod lifecycle;
mod limits;
pub mod load;
mod load_error;
mod memory;
mod output;
mod panel;
mod pool;
mod proposal;
mod review;
mod stats;
pub mod storage;
mod ticker;
mod trap;
mod turn;

pub use bindings::base::exports::weir::plugin::lifecycle::{Description, Problem};
pub use bindings::deciding::exports::weir::plugin::authorizer::{Batch, Check, Column};
pub use bindings::deciding::weir::plugin::types::{
    Attribute, Call, Effect, Fault, FaultDetail, Object, Parent, Principal, Value, Verdict,
};
pub use bindings::granting::exports::weir::plugin::authorizer_grants::Grant;
pub use bindings::planning::exports::weir::plugin::authorizer_plan::{Place, Plan};
pub use bindings::reviewing::weir::plugin::change::{
    Column as TableColumn, PropertyChange, Retype, Severity, Violation,
};
pub use call::Listing;
pub use component::{Abilities, COMPONENT_BYTES_MAX, Compiled};
pub use engine::{BASELINE, Sandbox, SandboxSettings};
pub use faults::{Blame, GuestFault, PluginFault};
pub use findings::{Finding, Findings, Room, Untold};
pub use generation::{Authorizers, Generation, Member, Mode, Plugins, Scope, Vacancy};
pub use guest::{Guest, GuestSettings};
pub use imports::{Egress, Secret, Secrets};
pub use limits::Limits;
pub use load_error::LoadError;
pub use panel::{Coverage, Panel, Report, Submission, Togetherness};
pub use proposal::Proposal;
pub use stats::{GuestStats, LATENCY_BOUNDS_US, LastFault};
