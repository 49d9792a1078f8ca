//! One log line a decision: denials, failures, administrators at `info`, allows at `debug`.

use super::question::Question;
use super::rule::{HostRule, Ruled};
use crate::auth::Caller;
use crate::plugin::chain::{Decision, Outcome};

/// What the host decided by itself.
pub fn ruled(caller: &Caller, question: &Question<'_>, ruled: Ruled) {
    let administrator = ruled.rule == HostRule::Administrators.name();
    macro_rules! line {
        ($level:ident, $verdict:literal) => {
            tracing::$level!(
                target: "weir::decision",
                action = question.action.as_str(),
                caller.id = caller.id(),
                object = question.shown(),
                verdict = $verdict,
                rule = ruled.rule,
                "{} {}: {} on {} by the host's own rule", caller.id(), $verdict, question.action, question.shown()
            )
        };
    }
    match ruled.allowed {
        true if administrator => line!(info, "allow"),
        true if question.is_aside() => line!(trace, "allow"),
        true => line!(debug, "allow"),
        false if question.is_aside() => line!(trace, "deny"),
        false => line!(info, "deny"),
    }
}

/// What the chain decided.
pub fn decided(caller: &Caller, question: &Question<'_>, decision: &Decision) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                target: "weir::decision",
                action = question.action.as_str(),
                caller.id = caller.id(),
                object = question.shown(),
                object.kind = question.object.kind().as_str(),
                verdict = decision.outcome.as_str(),
                rule = decision.rule.as_deref(),
                reason = decision.reason.as_deref(),
                plugin.name = decision.plugin.as_deref(),
                plugin.digest = decision.digest.as_deref(),
                plugin.generation = decision.generation,
                plugin.code = code(&decision.outcome),
                duration_ms = decision.duration.as_secs_f64() * 1_000.0,
                "{} {}: {} on {} by {}",
                caller.id(),
                decision.outcome.as_str(),
                question.action,
                question.shown(),
                decision.plugin.as_deref().unwrap_or("nobody's word")
            )
        };
    }
    match decision.outcome {
        Outcome::Allow | Outcome::Deny if question.is_aside() => line!(trace),
        Outcome::Allow => line!(debug),
        Outcome::Deny => line!(info),
        Outcome::Unable(_) => line!(warn),
    }
    metrics::counter!("weir_decisions_total", "verdict" => decision.outcome.as_str()).increment(1);
}

fn code(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Unable(silence) => Some(silence.code),
        Outcome::Allow | Outcome::Deny => None,
    }
}
