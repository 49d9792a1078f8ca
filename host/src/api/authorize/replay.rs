//! Decisions that are asked for once more, to find authorizers that answer the same question in two ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

use crate::plugin::chain::Decision;
use crate::plugin::{Authorizers, Call, Check};

/// Questions that are asked again at once; while so many are, further ones are left out.
const REPLAYS_MAX: usize = 8;

/// The second questions, with what came of them.
pub struct Replays {
    /// Of so many questions one is asked again; 0 stands for none.
    one_in: u64,
    asked: AtomicU64,
    places: Arc<Semaphore>,
    found: Arc<Found>,
}

#[derive(Default)]
struct Found {
    same: AtomicU64,
    different: AtomicU64,
}

impl Replays {
    pub fn new(one_in: u32) -> Self {
        Self {
            one_in: one_in.into(),
            asked: AtomicU64::new(0),
            places: Arc::new(Semaphore::new(REPLAYS_MAX)),
            found: Arc::default(),
        }
    }

    /// Whether this question is one of those that are asked again.
    pub fn wants(&self) -> bool {
        self.one_in > 0 && self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.one_in)
    }

    /// How many decisions were the same again, how many were not.
    pub fn found(&self) -> (u64, u64) {
        (self.found.same.load(Ordering::Relaxed), self.found.different.load(Ordering::Relaxed))
    }

    /// Asks the same authorizers the same in the background; the answer that was given stands.
    pub fn beside(&self, chain: Arc<Authorizers>, call: Call, checks: Vec<Check>, first: Vec<Decision>) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return };
        let found = Arc::clone(&self.found);
        tokio::spawn(async move {
            let _place = place;
            let second = chain.decide(&call, &checks).await;
            for (check, decisions) in checks.iter().zip(first.iter().zip(&second)) {
                note(&found, &call, check, decisions);
            }
        });
    }
}

fn note(found: &Found, call: &Call, check: &Check, (first, second): (&Decision, &Decision)) {
    let is_same = first.outcome == second.outcome;
    let (count, outcome) = if is_same { (&found.same, "same") } else { (&found.different, "different") };
    count.fetch_add(1, Ordering::Relaxed);
    metrics::counter!("weir_decision_replays_total", "outcome" => outcome).increment(1);
    if !is_same {
        tracing::warn!(
            target: "weir::decision",
            action = check.action,
            caller.id = call.principal.id,
            object = format!("{} {}", check.object.kind, check.object.name),
            verdict = first.outcome.as_str(),
            second.verdict = second.outcome.as_str(),
            plugin.name = first.plugin.as_deref().or(second.plugin.as_deref()),
            plugin.generation = first.generation,
            "the same question was answered {} and then {}", first.outcome.as_str(), second.outcome.as_str()
        );
    }
}
