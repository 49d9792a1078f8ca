//! One instance of a plugin, with everything that the host keeps for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{InstancePre, ResourceTable};
use wasmtime::{Store, UpdateDeadline};

use super::bindings::base::{Plugin, PluginIndices};
use super::bindings::deciding::{Deciding, DecidingIndices};
use super::bindings::following::{Following, FollowingIndices};
use super::bindings::granting::{Granting, GrantingIndices};
use super::bindings::planning::{Planning, PlanningIndices};
use super::bindings::reviewing::{Reviewing, ReviewingIndices};
use super::bindings::reviewing_transactions::{ReviewingTransactions, ReviewingTransactionsIndices};
use super::bindings::storing::{Storing, StoringIndices};
use super::component::Compiled;
use super::engine::Sandbox;
use super::imports::{self, Budget, Loans};
use super::load_error::LoadError;
use super::memory::Limiter;
use super::storage::Loan;
use super::turn::Turn;

/// What the host keeps for one instance.
pub(super) struct State {
    /// What all instances of the plugin share.
    pub(super) loans: Arc<Loans>,
    pub(super) table: ResourceTable,
    /// The call under way.
    pub(super) invocation: Invocation,
    limiter: Limiter,
}

/// One call of the guest, seen from the host's loans.
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) now_ms: u64,
    pub(super) budget: Budget,
    /// Absent between two calls.
    pub(super) turn: Option<Arc<Turn>>,
    /// In a storage's call: what its key is lent for. Whatever leaves the house then is held against it.
    pub(super) loan: Option<Loan>,
}

/// The guest computed past its deadline.
#[derive(Debug, thiserror::Error)]
#[error("the deadline has passed")]
pub(super) struct Overdue;

/// A component that is linked, with what it exports looked up once.
pub(super) struct Template {
    linked: InstancePre<State>,
    base: PluginIndices,
    deciding: Option<DecidingIndices>,
    planning: Option<PlanningIndices>,
    following: Option<FollowingIndices>,
    granting: Option<GrantingIndices>,
    reviewing: Option<ReviewingIndices>,
    storing: Option<StoringIndices>,
    transactions: Option<ReviewingTransactionsIndices>,
}

impl Template {
    /// Fails where an import or export has another shape than the host's.
    pub(super) fn link(sandbox: &Sandbox, compiled: &Compiled) -> Result<Self, LoadError> {
        let shape = |error: wasmtime::Error| LoadError::Shape(format!("{error:#}"));
        let mut linker = sandbox.linker.clone();
        imports::lend_wasi(&mut linker, &compiled.component).map_err(shape)?;
        let linked = linker.instantiate_pre(&compiled.component).map_err(shape)?;
        let abilities = compiled.abilities();
        Ok(Self {
            base: PluginIndices::new(&linked).map_err(shape)?,
            deciding: abilities.authorizer.then(|| DecidingIndices::new(&linked)).transpose().map_err(shape)?,
            planning: abilities.authorizer_plan.then(|| PlanningIndices::new(&linked)).transpose().map_err(shape)?,
            following: abilities
                .authorizer_events
                .then(|| FollowingIndices::new(&linked))
                .transpose()
                .map_err(shape)?,
            granting: abilities.authorizer_grants.then(|| GrantingIndices::new(&linked)).transpose().map_err(shape)?,
            reviewing: abilities.contract.then(|| ReviewingIndices::new(&linked)).transpose().map_err(shape)?,
            storing: abilities.storage.then(|| StoringIndices::new(&linked)).transpose().map_err(shape)?,
            transactions: abilities
                .contract_transaction
                .then(|| ReviewingTransactionsIndices::new(&linked))
                .transpose()
                .map_err(shape)?,
            linked,
        })
    }

    /// A new instance, which runs the start functions of the guest; the turn bounds them.
    pub(super) async fn instance(
        &self,
        sandbox: &Sandbox,
        loans: &Arc<Loans>,
        turn: Arc<Turn>,
    ) -> wasmtime::Result<Instance> {
        let mut store = store(sandbox, loans);
        store.data_mut().invocation.turn = Some(turn);
        store.set_epoch_deadline(1);
        let instance = self.linked.instantiate_async(&mut store).await?;
        let exports = Exports {
            base: self.base.load(&mut store, &instance)?,
            deciding: self.deciding.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            planning: self.planning.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            following: self.following.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            granting: self.granting.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            reviewing: self.reviewing.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            storing: self.storing.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
            transactions: self.transactions.as_ref().map(|indices| indices.load(&mut store, &instance)).transpose()?,
        };
        Ok(Instance { store, exports })
    }
}

pub(super) fn store(sandbox: &Sandbox, loans: &Arc<Loans>) -> Store<State> {
    let limits = &loans.limits;
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles_max as usize);
    let state = State {
        loans: loans.clone(),
        table,
        limiter: Limiter::new(sandbox.memory.clone(), limits),
        invocation: Invocation {
            request_id: String::new(),
            now_ms: 0,
            budget: Budget::new(limits),
            turn: None,
            loan: None,
        },
    };
    let mut store = Store::new(&sandbox.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.output_bytes_max as usize);
    store.set_max_component_handles(limits.handles_max as usize);
    store.epoch_deadline_callback(|mut context| match context.data_mut().invocation.turn.clone() {
        Some(turn) if !turn.is_over() => {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(async move { turn.step_back().await })))
        }
        _ => Err(Overdue.into()),
    });
    store
}

/// A started guest. It is dropped after anything but an ordinary answer, never used again.
pub(super) struct Instance {
    pub(super) store: Store<State>,
    pub(super) exports: Exports,
}

pub(super) struct Exports {
    pub(super) base: Plugin,
    pub(super) deciding: Option<Deciding>,
    pub(super) planning: Option<Planning>,
    pub(super) following: Option<Following>,
    pub(super) granting: Option<Granting>,
    pub(super) reviewing: Option<Reviewing>,
    pub(super) storing: Option<Storing>,
    pub(super) transactions: Option<ReviewingTransactions>,
}

impl Instance {
    /// A new call begins, with budgets of its own.
    pub(super) fn begin(&mut self, request_id: &str, now_ms: u64, turn: Arc<Turn>) {
        let state = self.store.data_mut();
        let budget = Budget::new(&state.loans.limits);
        state.invocation.request_id.clear();
        state.invocation.request_id.push_str(super::faults::within_bytes(request_id, 128));
        state.invocation.now_ms = now_ms;
        state.invocation.budget = budget;
        state.invocation.turn = Some(turn);
        state.invocation.loan = None;
        self.store.set_epoch_deadline(1);
    }

    /// The call is over; what it left behind on the host's side goes.
    pub(super) fn end(&mut self) {
        let invocation = &mut self.store.data_mut().invocation;
        (invocation.turn, invocation.loan) = (None, None);
    }
}

/// The moment after which nobody waits any more.
pub(super) fn deadline(after_ms: u32) -> Instant {
    Instant::now() + Duration::from_millis(after_ms.into())
}
