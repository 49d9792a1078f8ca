//! Shadow authorizers: evaluated beside the live answer, after it, never in its way.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::plugin::chain::{Decision, Outcome};
use crate::plugin::{Authorizers, Call, Check};

/// Comparisons that run or wait at once; while so many do, further ones are left out, which a counter tells.
const COMPARISONS_MAX: usize = 32;
/// Differences that are remembered for the operator to look at.
const DIFFERENCES_MAX: usize = 100;

/// The comparisons with what shadows would have said.
pub struct Shadows {
    places: Arc<Semaphore>,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    /// The latest ones, newest last.
    differences: VecDeque<Difference>,
    /// All so far, by plugin.
    counts: BTreeMap<String, u64>,
}

/// A decision that a shadow would have changed.
#[derive(Clone, Debug)]
pub struct Difference {
    pub plugin: String,
    pub caller: String,
    pub action: String,
    pub object: String,
    pub live: &'static str,
    pub shadow: &'static str,
    pub at_ms: u64,
}

impl Shadows {
    pub fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(COMPARISONS_MAX)), book: Arc::default() }
    }

    /// The latest differences, newest last.
    pub fn differences(&self) -> Vec<Difference> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).differences.iter().cloned().collect()
    }

    /// How many decisions each shadow would have changed so far.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }

    /// Beside a decision of the host's own rule, as if an authorizer had made it.
    pub fn compare_ruled(&self, chain: Arc<Authorizers>, call: Call, checks: Vec<Check>, outcomes: &[Outcome]) {
        let by_the_host = |outcome: &Outcome| Decision {
            outcome: outcome.clone(),
            rule: None,
            reason: None,
            plugin: None,
            digest: None,
            generation: chain.generation,
            duration: Duration::ZERO,
        };
        let live = outcomes.iter().map(by_the_host).collect();
        self.compare(chain, call, checks, live);
    }

    /// Asks the shadows in the background, counts where they differ.
    pub fn compare(&self, chain: Arc<Authorizers>, call: Call, checks: Vec<Check>, live: Vec<Decision>) {
        self.beside(async move {
            let found = chain.differences(&call, &checks, &live).await;
            let told = found.into_iter().filter_map(|(plugin, at, shadow)| {
                let (check, decision) = (checks.get(at)?, live.get(at)?);
                Some(Difference {
                    plugin,
                    caller: call.principal.id.clone(),
                    action: check.action.clone(),
                    object: format!("{} {}", check.object.kind, check.object.name),
                    live: decision.outcome.as_str(),
                    shadow: shadow.as_str(),
                    at_ms: call.now_ms,
                })
            });
            told.collect()
        });
    }

    /// Runs a comparison in the background; it is left out, and counted, while too many run.
    pub fn beside(&self, comparison: impl Future<Output = Vec<Difference>> + Send + 'static) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.leave_out();
            return;
        };
        let book = Arc::clone(&self.book);
        tokio::spawn(async move {
            let _place = place;
            comparison.await.into_iter().for_each(|difference| note(&book, difference));
            metrics::counter!("weir_shadow_comparisons_total", "outcome" => "done").increment(1);
        });
    }

    /// Counts a comparison that is not made.
    pub fn leave_out(&self) {
        metrics::counter!("weir_shadow_comparisons_total", "outcome" => "left-out").increment(1);
    }
}

fn note(book: &Mutex<Book>, difference: Difference) {
    metrics::counter!("weir_shadow_differences_total", "plugin" => difference.plugin.clone()).increment(1);
    tracing::info!(
        target: "weir::decision",
        action = difference.action,
        caller.id = difference.caller,
        object = difference.object,
        verdict = difference.live,
        shadow.verdict = difference.shadow,
        plugin.name = difference.plugin,
        "the shadow {} would have said {} instead of {}", difference.plugin, difference.shadow, difference.live
    );
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    *book.counts.entry(difference.plugin.clone()).or_default() += 1;
    if book.differences.len() == DIFFERENCES_MAX {
        book.differences.pop_front();
    }
    book.differences.push_back(difference);
}
