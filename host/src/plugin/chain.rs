//! A chain of authorizers: deny over error over allow over abstain.
//!
//! `words` holds the algebra, `ask` puts questions to the authorizers, `listing` does so for whole lists. The chain knows
//! no engine: whoever can answer is a [`Decider`].

mod ask;
mod listing;
mod pace;
#[cfg(test)]
mod tests;
mod words;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use ask::{CHECKS_MAX, Opinion};
pub use listing::{Items, Listed, Listing};
pub use words::{Decision, Outcome, Silence, Tally, Voice, Word};

use super::{Batch, Call, Check, Guest, Listing as PlanAsked, Object, Plan, PluginFault, Scope, Verdict};

/// Somebody who can be asked: a configured plugin, or its double in a test.
pub trait Decider: Send + Sync + 'static {
    fn name(&self) -> &str;

    /// The sha256 of what is asked, in hexadecimal digits.
    fn digest(&self) -> &str;

    /// How long one call may take.
    fn deadline(&self) -> Duration;

    /// One verdict for each check, in order.
    fn authorize(&self, call: &Call, checks: &[Check]) -> impl Future<Output = Result<Vec<Verdict>, Silence>> + Send;

    /// 0 deny, 1 allow, 2 abstain, one for each item in order.
    fn authorize_many(&self, call: &Call, batch: &Batch) -> impl Future<Output = Result<Vec<u8>, Silence>> + Send;

    /// How a listing can be narrowed before its rows are read; `None` where the decider makes no plans.
    fn plan_list(
        &self,
        call: &Call,
        asked: &PlanAsked<'_>,
    ) -> impl Future<Output = Result<Option<Plan>, Silence>> + Send;
}

/// One authorizer with its place in the chain.
pub struct Seat<D> {
    pub decider: D,
    pub scope: Scope,
    /// Asked beside the others, never heard.
    pub shadow: bool,
}

/// The authorizers of one generation, in the order in which they are asked.
pub struct Chain<D> {
    pub generation: u64,
    seats: Vec<Seat<D>>,
}

impl<D: Decider> Chain<D> {
    pub fn new(generation: u64, seats: Vec<Seat<D>>) -> Self {
        Self { generation, seats }
    }

    /// Whether any authorizer decides; where none does, the host's own rule holds.
    pub fn decides(&self) -> bool {
        self.seats.iter().any(|seat| !seat.shadow)
    }

    pub fn has_shadows(&self) -> bool {
        self.seats.iter().any(|seat| seat.shadow)
    }

    pub fn seats(&self) -> &[Seat<D>] {
        &self.seats
    }
}

impl<D> Seat<D> {
    /// Whether a check about this object is for the authorizer. What belongs to no project, such as the server itself,
    /// is only for those without a scope.
    pub(in crate::plugin) fn governs(&self, object: &Object) -> bool {
        self.scope.governs(object)
    }
}

/// Who holds a place in the chain.
#[derive(Clone)]
pub enum Holder {
    Guest(Arc<Guest>),
    /// A plugin of this name should decide, but no version of it is in place: every question meets silence (I1).
    Nobody(String),
}

impl Holder {
    /// When a missing plugin may be there; it is looked for every few seconds.
    const RETRY_AFTER_MS: u32 = 5_000;

    pub(in crate::plugin) fn guest(&self) -> Result<&Guest, Silence> {
        match self {
            Self::Guest(guest) => Ok(guest),
            Self::Nobody(_) => Err(Silence { code: "plugin_missing", retry_after_ms: Some(Self::RETRY_AFTER_MS) }),
        }
    }
}

impl Decider for Holder {
    fn name(&self) -> &str {
        match self {
            Self::Guest(guest) => guest.name(),
            Self::Nobody(name) => name,
        }
    }

    fn digest(&self) -> &str {
        match self {
            Self::Guest(guest) => guest.sha256(),
            Self::Nobody(_) => "",
        }
    }

    fn deadline(&self) -> Duration {
        match self {
            Self::Guest(guest) => Duration::from_millis(guest.limits().deadline_ms.into()),
            Self::Nobody(_) => Duration::ZERO,
        }
    }

    async fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Silence> {
        self.guest()?.authorize(call, checks).await.map_err(Silence::from)
    }

    async fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<u8>, Silence> {
        self.guest()?.authorize_many(call, batch).await.map_err(Silence::from)
    }

    async fn plan_list(&self, call: &Call, asked: &PlanAsked<'_>) -> Result<Option<Plan>, Silence> {
        self.guest()?.plan_list(call, *asked).await.map_err(Silence::from)
    }
}

impl From<PluginFault> for Silence {
    fn from(fault: PluginFault) -> Self {
        let wait_ms = u32::try_from(fault.retry_after().as_millis()).unwrap_or(u32::MAX);
        Self { code: fault.code(), retry_after_ms: Some(wait_ms) }
    }
}
