//! The questions that the catalog asks a plugin.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::faults::PluginFault;
use super::guest::Guest;
use super::instance::{Instance, deadline};
use super::lifecycle::now_ms;
use super::pool::Lease;
use super::{Batch, Call, Check, Fault, Grant, Object, Place, Plan, Verdict, output, trap};

/// What is to be listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    pub action: &'a str,
    pub kind: &'a str,
    /// The place that all of it lies in.
    pub within: &'a Place,
}

impl Guest {
    /// One verdict a check, in their order.
    pub async fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let deciding = exports.deciding.as_ref().ok_or(PluginFault::NotExported("authorizer"))?;
            let answer = deciding.weir_plugin_authorizer().call_authorize(store, call, checks).await;
            self.end(lease, answer, |verdicts| output::verdicts(verdicts, checks.len()))
        };
        self.answered(ends, asking).await
    }

    /// 0 deny, 1 allow, 2 abstain, for each of the ids.
    pub async fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<u8>, PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let deciding = exports.deciding.as_ref().ok_or(PluginFault::NotExported("authorizer"))?;
            let answer = deciding.weir_plugin_authorizer().call_authorize_many(store, call, batch).await;
            self.end(lease, answer, |effects| output::effects(effects, batch.ids.len()))
        };
        self.answered(ends, asking).await
    }

    /// What the caller may see of a listing, in one answer; `None` where the plugin makes no plans.
    pub async fn plan_list(&self, call: &Call, listing: Listing<'_>) -> Result<Option<Plan>, PluginFault> {
        if !self.abilities().authorizer_plan {
            return Ok(None);
        }
        let call = &*self.shown(call);
        let Listing { action, kind, within } = listing;
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let planning = exports.planning.as_ref().ok_or(PluginFault::NotExported("authorizer-plan"))?;
            let planner = planning.weir_plugin_authorizer_plan();
            let answer = planner.call_plan_list(store, call, action, kind, within).await;
            self.end(lease, answer, |_| Ok(()))
        };
        self.answered(ends, asking).await.map(Some)
    }

    /// Tells of a change; an error has it told again.
    pub async fn on_change(
        &self,
        call: &Call,
        change: &str,
        object: &Object,
        before: Option<&Object>,
    ) -> Result<(), PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let following = exports.following.as_ref().ok_or(PluginFault::NotExported("authorizer-events"))?;
            let follower = following.weir_plugin_authorizer_events();
            let answer = follower.call_on_change(store, call, change, object, before).await;
            self.end(lease, answer, |()| Ok(()))
        };
        self.answered(ends, asking).await
    }

    /// What can be granted on objects of a kind.
    pub async fn privileges(&self, call: &Call, kind: &str) -> Result<Vec<String>, PluginFault> {
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let granting = exports.granting.as_ref().ok_or(PluginFault::NotExported("authorizer-grants"))?;
            let answer = granting.weir_plugin_authorizer_grants().call_privileges(store, kind).await;
            self.end(lease, answer.map(Ok), |privileges| output::privileges(privileges))
        };
        self.answered(ends, asking).await
    }

    /// The grants on an object itself, one page of them, with where the next one begins.
    pub async fn read_grants(
        &self,
        call: &Call,
        object: &Object,
        cursor: Option<&str>,
    ) -> Result<(Vec<Grant>, Option<String>), PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let granting = exports.granting.as_ref().ok_or(PluginFault::NotExported("authorizer-grants"))?;
            let answer = granting.weir_plugin_authorizer_grants().call_read(store, call, object, cursor).await;
            self.end(lease, answer, |(grants, _)| output::grants(grants, &object.id))
        };
        self.answered(ends, asking).await
    }

    /// Adds grants, removes others; whether the caller may was asked before.
    pub async fn write_grants(&self, call: &Call, add: &[Grant], remove: &[Grant]) -> Result<(), PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let granting = exports.granting.as_ref().ok_or(PluginFault::NotExported("authorizer-grants"))?;
            let answer = granting.weir_plugin_authorizer_grants().call_write(store, call, add, remove).await;
            self.end(lease, answer, |()| Ok(()))
        };
        self.answered(ends, asking).await
    }

    /// The objects about which anything is kept, `<kind>/<id>`, page by page.
    pub async fn known_objects(
        &self,
        call: &Call,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), PluginFault> {
        let call = &*self.shown(call);
        let ends = self.ends(call);
        let asking = async {
            let mut lease = self.begin(call, ends).await?;
            let Instance { store, exports } = &mut lease.instance;
            let granting = exports.granting.as_ref().ok_or(PluginFault::NotExported("authorizer-grants"))?;
            let answer = granting.weir_plugin_authorizer_grants().call_known(store, call, cursor).await;
            self.end(lease, answer, |_| Ok(()))
        };
        self.answered(ends, asking).await
    }

    /// The call as this plugin may see it: no claim crosses that it did not ask for and was granted.
    pub(super) fn shown<'a>(&self, call: &'a Call) -> Cow<'a, Call> {
        if call.principal.claims.is_empty() {
            return Cow::Borrowed(call);
        }
        let mut narrowed = call.clone();
        narrowed.principal.claims.retain(|claim| self.claims().contains(&claim.key));
        Cow::Owned(narrowed)
    }

    /// When nobody waits any more: the caller's deadline where that is sooner than the plugin's.
    pub(super) fn ends(&self, call: &Call) -> Instant {
        let limit_ms = self.limits().deadline_ms;
        deadline(if call.deadline_ms == 0 { limit_ms } else { limit_ms.min(call.deadline_ms) })
    }

    pub(super) async fn begin(&self, call: &Call, ends: Instant) -> Result<Lease, PluginFault> {
        let mut lease = self.pool.lease(ends).await?;
        let turn = lease.turn.clone();
        lease.instance.begin(&call.request_id, call.now_ms, turn);
        Ok(lease)
    }

    /// Sorts out what came back; only an instance that answered in an orderly way is kept.
    pub(super) fn end<T>(
        &self,
        lease: Lease,
        answer: wasmtime::Result<Result<T, Fault>>,
        fits: impl FnOnce(&T) -> Result<(), PluginFault>,
    ) -> Result<T, PluginFault> {
        let answer = answer.map_err(|error| trap::fault(&error, self.limits(), self.limits().deadline_ms))?;
        if let Ok(answer) = &answer {
            fits(answer)?;
        }
        lease.give_back();
        answer.map_err(PluginFault::of_guest)
    }

    /// The wall clock round a call, whatever it waits for; and the books.
    pub(super) fn answered<T>(
        &self,
        ends: Instant,
        asking: impl Future<Output = Result<T, PluginFault>>,
    ) -> impl Future<Output = Result<T, PluginFault>> {
        self.counted(ends, asking, PluginFault::is_failure)
    }

    /// The same, with what is held against the plugin.
    pub(super) async fn counted<T>(
        &self,
        ends: Instant,
        asking: impl Future<Output = Result<T, PluginFault>>,
        is_failure: fn(&PluginFault) -> bool,
    ) -> Result<T, PluginFault> {
        let attempt = self.breaker.admit(now_ms()).map_err(|_| self.broken())?;
        let started = Instant::now();
        let late = |_| PluginFault::Timeout { deadline_ms: self.limits().deadline_ms };
        let answer = timeout_at(ends.into(), asking).await.map_err(late).and_then(|answer| answer);
        self.pool.loans.counters.answered(started.elapsed(), answer.as_ref().err());
        match &answer {
            Ok(_) => attempt.succeeded(),
            Err(fault) if is_failure(fault) => attempt.failed(now_ms()),
            Err(_) => drop(attempt),
        }
        answer
    }

    /// What is answered while it is left alone: it is not even asked.
    fn broken(&self) -> PluginFault {
        let fault =
            PluginFault::Unavailable("it failed too often in a row, so it is left alone for a while".to_owned());
        self.pool.loans.counters.answered(Duration::ZERO, Some(&fault));
        fault
    }
}
