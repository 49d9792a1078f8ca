//! The relays: each passes the events of the outbox on to one listener, in order, at least once.
//!
//! One process at a time works for a listener, by a lease in the ledger. A listener that fails is told the same event again,
//! later each time, before it hears of the next; others do not wait for it.

mod change;
mod target;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::target::Target;
use crate::app::App;
use crate::error::Result;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{DeadLetter, Event, Relay};

/// Events read at once, after which the position is noted.
const BATCH: u32 = 100;
/// Positions given in one transaction.
const POSITIONS: u32 = 1_000;
/// The pause after a first failure, twice as long after each further one.
const PAUSE_MS: i64 = 500;
const PAUSE_MS_MAX: i64 = 300_000;

/// Why a listener did not take an event.
#[derive(Debug)]
pub struct Trouble {
    pub message: String,
    /// It never will: trying again is no use.
    pub is_final: bool,
}

/// Relays until asked to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let poll = Duration::from_millis(app.config.events.poll_interval_ms);
    let mut working: JoinSet<()> = JoinSet::new();
    let mut busy = HashMap::new();
    while !stop.is_cancelled() {
        match waiting(&app).await {
            Ok(waiting) => {
                for (target, relay) in waiting {
                    if busy.values().all(|name| *name != relay.name) {
                        let (app, name) = (Arc::clone(&app), relay.name.clone());
                        let begun = working.spawn(async move { work(&app, &target, &relay).await });
                        busy.insert(begun.id(), name);
                    }
                }
            }
            Err(error) => tracing::warn!(error = %error, "the outbox could not be looked at; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(poll) => {}
            Some(ended) = working.join_next_with_id() => {
                let id = ended.map_or_else(|panic| panic.id(), |(id, ())| id);
                busy.remove(&id);
            }
        }
    }
    // What is cut off is told again by whoever takes the lease.
    working.shutdown().await;
}

/// Passes on everything that can be passed on now; gives how many events that were, over all listeners.
pub async fn relay_due_now(app: &App) -> Result<usize> {
    let mut told = 0;
    loop {
        let mut now = 0;
        for (target, relay) in waiting(app).await? {
            now += pass_on(app, &target, &relay).await?;
        }
        told += now;
        if now == 0 {
            return Ok(told);
        }
    }
}

async fn work(app: &App, target: &Target, relay: &Relay) {
    if let Err(error) = pass_on(app, target, relay).await {
        tracing::warn!(relay = target.name(), error = %error, "events could not be passed on; trying again");
    }
}

/// The listeners that have not heard everything yet. Events get their positions here.
async fn waiting(app: &App) -> Result<Vec<(Target, Relay)>> {
    let targets = Target::all(app);
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    while app.store.has_events_without_position().await? {
        let mut writer = app.store.begin(&permit()).await?;
        writer.position_events(POSITIONS, app.clock.now_ms()).await?;
        writer.commit().await?;
    }
    let head = app.store.head_position().await?;
    let mut known = app.store.relays().await?;
    let mut waiting = Vec::new();
    for target in targets {
        let name = target.name();
        let relay = match known.iter().position(|relay| relay.name == name) {
            Some(at) => known.swap_remove(at),
            None => start(app, &target, head).await?,
        };
        observe(&name, head, &relay);
        if relay.position < head {
            waiting.push((target, relay));
        }
    }
    Ok(waiting)
}

fn permit() -> Permit {
    Permit::operator("relay")
}

fn observe(name: &str, head: i64, relay: &Relay) {
    metrics::gauge!("weir_relay_lag_events", "relay" => name.to_owned()).set((head - relay.position).max(0) as f64);
    metrics::gauge!("weir_relay_failures", "relay" => name.to_owned()).set(relay.failures as f64);
}

/// A listener that is new: a plugin hears all that is still there, a sink what happens from now on.
async fn start(app: &App, target: &Target, head: i64) -> Result<Relay> {
    let position = if target.hears_the_past() { 0 } else { head };
    let name = target.name();
    let mut writer = app.store.begin(&permit()).await?;
    writer.start_relay(&name, position, app.clock.now_ms()).await?;
    writer.commit().await?;
    let relay =
        Relay { name, position, holder: None, lease_until_ms: 0, failures: 0, retry_at_ms: 0, last_error: None };
    Ok(relay)
}

/// Tells one listener what it has not heard, as far as it listens; gives how many events it took.
async fn pass_on(app: &App, target: &Target, seen: &Relay) -> Result<usize> {
    let now_ms = app.clock.now_ms();
    if seen.retry_at_ms > now_ms {
        return Ok(0);
    }
    let held = Held { app, target, name: target.name(), holder: app.outlets.holder };
    let Some(relay) = held.lease().await? else { return Ok(0) };
    let head = app.store.head_position().await?;
    let (mut position, mut failures, mut told) = (relay.position, relay.failures, 0);
    while position < head {
        let events = app.store.events_after(position, BATCH).await?;
        let (taken, trouble) = held.tell_all(&events).await;
        told += taken;
        let before = position;
        position = match (taken, events.last()) {
            // The rest was forgotten before it was told: its time was over.
            (_, None) => head,
            (0, _) => position,
            (taken, _) => events[taken - 1].0,
        };
        if position > before {
            failures = 0;
            if !held.advance(position).await? {
                return Ok(told);
            }
        }
        let Some(trouble) = trouble else { continue };
        let (at, event) = &events[taken];
        if !(trouble.is_final || target.gives_up_after(failures + 1)) {
            held.fail(failures, &trouble).await?;
            return Ok(told);
        }
        if !held.bury((*at, event), failures + 1, &trouble).await? {
            return Ok(told);
        }
        (position, failures) = (*at, 0);
        told += 1;
    }
    held.release().await?;
    Ok(told)
}

/// A listener that this process works for, as long as it holds the lease.
struct Held<'a> {
    app: &'a App,
    target: &'a Target,
    name: String,
    holder: Uuid,
}

impl Held<'_> {
    fn until_ms(&self) -> i64 {
        self.app.clock.now_ms().saturating_add(self.app.config.events.lease_ms())
    }

    async fn begin(&self) -> Result<Writer> {
        self.app.store.begin(&permit()).await
    }

    async fn lease(&self) -> Result<Option<Relay>> {
        let mut writer = self.begin().await?;
        let now_ms = self.app.clock.now_ms();
        let relay = writer.lease_relay(&self.name, self.holder, now_ms, self.until_ms()).await?;
        writer.commit().await?;
        Ok(relay)
    }

    /// How many of the events were taken, and why the next was not. Once half of the lease is over no more are told, so
    /// that it is extended first: else another process tells the same ones beside this one.
    async fn tell_all(&self, events: &[(i64, Event)]) -> (usize, Option<Trouble>) {
        let enough_ms = self.app.clock.now_ms().saturating_add(self.app.config.events.lease_ms() / 2);
        for (taken, (position, event)) in events.iter().enumerate() {
            if taken > 0 && self.app.clock.now_ms() >= enough_ms {
                return (taken, None);
            }
            let outcome = self.target.tell(self.app, *position, event).await;
            let word = if outcome.is_ok() { "delivered" } else { "refused" };
            metrics::counter!("weir_relay_events_total", "relay" => self.name.clone(), "outcome" => word).increment(1);
            if let Err(trouble) = outcome {
                return (taken, Some(trouble));
            }
        }
        (events.len(), None)
    }

    /// `false` where another process took over.
    async fn advance(&self, position: i64) -> Result<bool> {
        let mut writer = self.begin().await?;
        let held = writer.advance_relay(&self.name, self.holder, position, self.until_ms()).await?;
        writer.commit().await?;
        Ok(held)
    }

    async fn fail(&self, failures: i64, trouble: &Trouble) -> Result<()> {
        let doubled = PAUSE_MS.saturating_mul(1 << failures.clamp(0, 20));
        let pause_ms = doubled.min(PAUSE_MS_MAX);
        tracing::warn!(
            relay = self.name,
            failures = failures + 1,
            pause_ms,
            error = trouble.message,
            "{} did not take an event; it is told again",
            self.name
        );
        let mut writer = self.begin().await?;
        let retry_at_ms = self.app.clock.now_ms().saturating_add(pause_ms);
        writer.fail_relay(&self.name, self.holder, retry_at_ms, &trouble.message).await?;
        writer.release_relay(&self.name, self.holder).await?;
        writer.commit().await
    }

    /// Keeps what nobody takes, goes on with the next: both at once, or neither. `false` where another process took over,
    /// whose event it is now.
    async fn bury(&self, (position, event): (i64, &Event), attempts: i64, trouble: &Trouble) -> Result<bool> {
        let letter = DeadLetter {
            id: Uuid::now_v7(),
            relay: self.name.clone(),
            event_id: event.id,
            position,
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            body: event.body.clone(),
            attempts,
            error: trouble.message.clone(),
            died_at_ms: self.app.clock.now_ms(),
        };
        let mut writer = self.begin().await?;
        let held = writer.advance_relay(&self.name, self.holder, position, self.until_ms()).await?;
        if held {
            writer.insert_dead_letter(&letter).await?;
        }
        writer.commit().await?;
        if held {
            tracing::error!(
                relay = self.name,
                event.id = %event.id,
                event.kind = event.kind,
                error = trouble.message,
                "{} takes this event under no circumstances; it is among the dead letters",
                self.name
            );
            metrics::counter!("weir_dead_letters_total", "relay" => self.name.clone()).increment(1);
        }
        Ok(held)
    }

    async fn release(&self) -> Result<()> {
        let mut writer = self.begin().await?;
        writer.release_relay(&self.name, self.holder).await?;
        writer.commit().await
    }
}
