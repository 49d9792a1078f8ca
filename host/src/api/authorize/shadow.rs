//! Shadow authorizers: evaluated beside the live answer, after it, never in its way.

use std::collections::VecDeque;
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
    differences: Arc<Mutex<VecDeque<Difference>>>,
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
        Self { places: Arc::new(Semaphore::new(COMPARISONS_MAX)), differences: Arc::default() }
    }

    /// The latest differences, newest last.
    pub fn differences(&self) -> Vec<Difference> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
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
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            metrics::counter!("weir_shadow_comparisons_total", "outcome" => "left-out").increment(1);
            return;
        };
        let differences = Arc::clone(&self.differences);
        tokio::spawn(async move {
            let _place = place;
            for (plugin, at, shadow) in chain.differences(&call, &checks, &live).await {
                let (Some(check), Some(decision)) = (checks.get(at), live.get(at)) else { continue };
                let difference = Difference {
                    plugin,
                    caller: call.principal.id.clone(),
                    action: check.action.clone(),
                    object: format!("{} {}", check.object.kind, check.object.name),
                    live: decision.outcome.as_str(),
                    shadow: shadow.as_str(),
                    at_ms: call.now_ms,
                };
                note(&differences, difference);
            }
            metrics::counter!("weir_shadow_comparisons_total", "outcome" => "done").increment(1);
        });
    }
}

fn note(differences: &Mutex<VecDeque<Difference>>, difference: Difference) {
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
    let mut kept = differences.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == DIFFERENCES_MAX {
        kept.pop_front();
    }
    kept.push_back(difference);
}
