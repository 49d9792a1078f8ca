//! The warm instances of one plugin, the queue before them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;

use super::bindings::base::exports::weir::plugin::lifecycle::{Description, Problem};
use super::engine::Sandbox;
use super::faults::PluginFault;
use super::imports::Loans;
use super::instance::{Instance, Template, deadline};
use super::trap;
use super::turn::Turn;

/// Where calls get an instance: a warm one, else a new one, else they wait.
pub(super) struct Pool {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) loans: Arc<Loans>,
    template: Template,
    settings_json: String,
    slots: Arc<Semaphore>,
    queued: AtomicUsize,
    idle: Mutex<Vec<Instance>>,
}

/// Why an instance could not be made ready.
#[derive(Debug)]
pub(super) enum Unready {
    Fault { step: &'static str, fault: PluginFault },
    Settings(Vec<Problem>),
}

impl From<Unready> for PluginFault {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Fault { fault, .. } => fault,
            // Another instance took the same settings, so this is the guest's whim.
            Unready::Settings(problems) => {
                Self::Unavailable(format!("a new instance refuses its settings: {} problems", problems.len()))
            }
        }
    }
}

impl Pool {
    pub(super) fn new(sandbox: Arc<Sandbox>, loans: Arc<Loans>, template: Template, settings_json: String) -> Self {
        let slots = Arc::new(Semaphore::new(loans.limits.instances_max as usize));
        Self { sandbox, loans, template, settings_json, slots, queued: AtomicUsize::new(0), idle: Mutex::default() }
    }

    /// An instance for one call, until `ends`.
    pub(super) async fn lease(self: &Arc<Self>, ends: Instant) -> Result<Lease, PluginFault> {
        let slot = self.slot(ends).await?;
        if self.loans.limits.fresh {
            let turn = self.turn(ends).await?;
            let instance = self.make(&turn, self.loans.limits.deadline_ms).await?;
            return Ok(Lease { pool: self.clone(), turn, instance, slot });
        }
        let warm = self.idle().pop();
        let (instance, slot) = match warm {
            Some(instance) => (instance, slot),
            None => self.make_aside(slot).await?,
        };
        match self.turn(ends).await {
            Ok(turn) => Ok(Lease { pool: self.clone(), turn, instance, slot }),
            Err(busy) => {
                self.keep(instance, slot);
                Err(busy)
            }
        }
    }

    /// The first turn of a call. Where others have the processor until the call's end, it is they who are slow: the guest
    /// was not even asked.
    async fn turn(&self, ends: Instant) -> Result<Arc<Turn>, PluginFault> {
        match timeout_at(ends.into(), Turn::begin(&self.sandbox.processor, ends)).await {
            Ok(turn) if !turn.is_over() => Ok(turn),
            _ => Err(PluginFault::Saturated),
        }
    }

    async fn slot(&self, ends: Instant) -> Result<OwnedSemaphorePermit, PluginFault> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let _place = Place::take(&self.queued, self.loans.limits.queue_max as usize)?;
        match timeout_at(ends.into(), self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Err(PluginFault::Saturated),
        }
    }

    /// Makes an instance in a task of its own: where the caller's deadline is shorter than a start takes, the instance is
    /// ready for the next one.
    async fn make_aside(
        self: &Arc<Self>,
        slot: OwnedSemaphorePermit,
    ) -> Result<(Instance, OwnedSemaphorePermit), PluginFault> {
        let (hand_over, wanted) = oneshot::channel();
        let pool = self.clone();
        tokio::spawn(async move {
            let deadline_ms = pool.loans.limits.load_deadline_ms;
            let made = pool.within_load_deadline(async |turn| pool.make(&turn, deadline_ms).await).await;
            let made = made.map(|instance| (instance, slot));
            if let Err(Ok((instance, slot))) = hand_over.send(made) {
                pool.keep(instance, slot);
            }
        });
        let lost = |_| PluginFault::Unavailable("the start of an instance broke off".to_owned());
        Ok(wanted.await.map_err(lost)??)
    }

    /// The first instance, which is asked what it is before it is configured.
    pub(super) async fn trial(&self) -> Result<(Instance, Description), Unready> {
        let deadline_ms = self.loans.limits.load_deadline_ms;
        self.within_load_deadline(async |turn| {
            let (instance, description) = self.described(&turn, deadline_ms).await?;
            Ok((self.configured(instance, deadline_ms).await?, description))
        })
        .await
    }

    /// An instance that is only asked what it is.
    pub(super) async fn describe(&self) -> Result<Description, Unready> {
        let deadline_ms = self.loans.limits.load_deadline_ms;
        let described = self.within_load_deadline(async |turn| self.described(&turn, deadline_ms).await).await?;
        Ok(described.1)
    }

    async fn described(&self, turn: &Arc<Turn>, deadline_ms: u32) -> Result<(Instance, Description), Unready> {
        let mut instance = self.started(turn, deadline_ms).await?;
        let Instance { store, exports } = &mut instance;
        let described = exports.base.weir_plugin_lifecycle().call_describe(store).await;
        let description = described.map_err(|error| self.failed("describe", &error, deadline_ms))?;
        Ok((instance, description))
    }

    async fn within_load_deadline<T>(
        &self,
        make: impl AsyncFnOnce(Arc<Turn>) -> Result<T, Unready>,
    ) -> Result<T, Unready> {
        let deadline_ms = self.loans.limits.load_deadline_ms;
        let ends = deadline(deadline_ms);
        let making = async { make(Turn::begin(&self.sandbox.processor, ends).await).await };
        let late = Unready::Fault { step: "start", fault: PluginFault::Timeout { deadline_ms } };
        timeout_at(ends.into(), making).await.unwrap_or(Err(late))
    }

    async fn make(&self, turn: &Arc<Turn>, deadline_ms: u32) -> Result<Instance, Unready> {
        let instance = self.started(turn, deadline_ms).await?;
        self.configured(instance, deadline_ms).await
    }

    async fn started(&self, turn: &Arc<Turn>, deadline_ms: u32) -> Result<Instance, Unready> {
        self.loans.counters.instances_made.fetch_add(1, Ordering::Relaxed);
        let started = self.template.instance(&self.sandbox, &self.loans, turn.clone()).await;
        started.map_err(|error| self.failed("start", &error, deadline_ms))
    }

    async fn configured(&self, mut instance: Instance, deadline_ms: u32) -> Result<Instance, Unready> {
        let Instance { store, exports } = &mut instance;
        let configured = exports.base.weir_plugin_lifecycle().call_configure(store, &self.settings_json).await;
        let configured = configured.map_err(|error| self.failed("configure", &error, deadline_ms))?;
        configured.map_err(Unready::Settings)?;
        instance.end();
        Ok(instance)
    }

    fn failed(&self, step: &'static str, error: &wasmtime::Error, deadline_ms: u32) -> Unready {
        Unready::Fault { step, fault: trap::fault(error, &self.loans.limits, deadline_ms) }
    }

    /// A healthy instance goes back, then its slot.
    pub(super) fn keep(&self, mut instance: Instance, slot: OwnedSemaphorePermit) {
        instance.end();
        if !self.loans.limits.fresh {
            self.idle().push(instance);
        }
        drop(slot);
    }

    pub(super) fn keep_first(&self, instance: Instance) {
        if !self.loans.limits.fresh {
            self.idle().push(instance);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn idle_len(&self) -> usize {
        self.idle().len()
    }

    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    pub(super) fn busy(&self) -> usize {
        (self.loans.limits.instances_max as usize).saturating_sub(self.slots.available_permits())
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(queued: &'a AtomicUsize, queue_max: usize) -> Result<Self, PluginFault> {
        let one_more = |waiting: usize| (waiting < queue_max).then_some(waiting + 1);
        match queued.try_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Self(queued)),
            Err(_) => Err(PluginFault::Saturated),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An instance that works for one call. Dropped, however that comes, it takes the instance with it; only
/// [`Lease::give_back`] returns it.
pub(super) struct Lease {
    pool: Arc<Pool>,
    pub(super) turn: Arc<Turn>,
    pub(super) instance: Instance,
    slot: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn give_back(self) {
        let Self { pool, turn, instance, slot } = self;
        drop(turn);
        pool.keep(instance, slot);
    }
}
