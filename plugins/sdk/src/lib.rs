//! Write plugins for the Weir catalog in Rust: one trait a kind, one line that exports it.
#![doc = include_str!("../README.md")]

extern crate self as weir_plugin;

#[doc(hidden)]
pub mod bindings;
mod contract;
mod decide;
mod export;
#[doc(hidden)]
pub mod glue;
mod grants;
pub mod host;
mod settings;
mod storage;
pub mod testing;

#[doc(hidden)]
pub use wit_bindgen;

pub use bindings::base::exports::weir::plugin::lifecycle::Problem;
pub use bindings::deciding::exports::weir::plugin::authorizer::{Batch, Check, Column as BatchColumn};
pub use bindings::deciding::weir::plugin::types::{
    Attribute, Call, Effect, Fault, FaultDetail, Object, Parent, Principal, Value, Verdict,
};
pub use bindings::granting::exports::weir::plugin::authorizer_grants::Grant;
pub use bindings::planning::exports::weir::plugin::authorizer_plan::{Ids, Place, Plan};
pub use bindings::reviewing::weir::plugin::change::{Column, PropertyChange, Retype, Severity, Violation};
pub use bindings::storing::exports::weir::plugin::storage::{
    Access, AccessGrant, Audience, Credential, Profile, SignRequest, Touched, Want,
};
pub use contract::{Contract, Metadata, Proposal, TransactionContract};
pub use decide::{Authorizer, Listing, Planner, attribute, text};
pub use grants::{Follower, Grants};
pub use schemars;
pub use settings::{Plugin, problem};
pub use storage::{Headers, Key, Storage, form_text};
