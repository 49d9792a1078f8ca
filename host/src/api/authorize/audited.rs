//! Decisions as the audit records them.

use super::question::{Question, Wish};
use super::rule::Ruled;
use crate::api::audit;
use crate::app::App;
use crate::audit::{Record, Verdict, Weight, Wished};
use crate::auth::Caller;
use crate::error::Error;
use crate::plugin::chain::{Decision, Outcome};

/// A token's own name for itself is cut there.
const TOKEN_ID_CHARS_MAX: usize = 128;

impl App {
    /// What the host decided by itself.
    pub(super) fn audit_ruled(&self, caller: &Caller, question: &Question<'_>, ruled: Ruled) {
        let outcome = ruled.outcome();
        self.audit(caller, question, &outcome, || Verdict {
            verdict: outcome.as_str(),
            rule: Some(ruled.rule.to_owned()),
            ..Verdict::default()
        });
    }

    /// What the chain decided.
    pub(super) fn audit_decided(&self, caller: &Caller, question: &Question<'_>, decision: &Decision) {
        self.audit(caller, question, &decision.outcome, || Verdict {
            verdict: decision.outcome.as_str(),
            rule: decision.rule.clone(),
            plugin: decision.plugin.clone(),
            digest: decision.digest.clone(),
            code: match &decision.outcome {
                Outcome::Unable(silence) => Some(silence.code),
                Outcome::Allow | Outcome::Deny => None,
            },
        });
    }

    /// Somebody was not let in. Whoever that is, is not known: what the token says is not believed.
    pub(in crate::api) fn audit_stranger(&self, error: &Error) {
        let weight = Weight { refused: true, changes: false, aside: false };
        audit::note(&self.audit, weight, || Record {
            caller: "unknown".to_owned(),
            caller_kind: "unknown",
            action: "authenticate".to_owned(),
            object_kind: "server",
            object: "the server".to_owned(),
            verdict: Verdict {
                verdict: if matches!(error, Error::Unavailable { .. }) { "error" } else { "deny" },
                rule: Some("authentication".to_owned()),
                ..Verdict::default()
            },
            ..Record::default()
        });
    }

    fn audit(&self, caller: &Caller, question: &Question<'_>, outcome: &Outcome, verdict: impl FnOnce() -> Verdict) {
        let weight = Weight {
            refused: *outcome != Outcome::Allow,
            changes: !question.action.only_reads(),
            aside: question.is_aside(),
        };
        audit::note(&self.audit, weight, || record(caller, question, verdict()));
    }
}

fn record(caller: &Caller, question: &Question<'_>, verdict: Verdict) -> Record {
    let identity = caller.identity();
    let token_id = identity.claims.get("jti").and_then(|id| id.as_str());
    Record {
        caller: caller.id().to_owned(),
        caller_kind: caller.kind().as_str(),
        issuer: identity.issuer.clone(),
        client: identity.client.clone(),
        engine: identity.engine.clone(),
        token_id: token_id.map(|id| id.chars().take(TOKEN_ID_CHARS_MAX).collect()),
        acting_as: (caller.principal_id() != caller.id()).then(|| caller.principal_id().to_owned()),
        action: question.action.as_str().to_owned(),
        object_kind: question.object.kind().as_str(),
        object_id: question.object.id(),
        object: question.shown(),
        wished: wished(&question.wish),
        verdict,
    }
}

fn wished(wish: &Wish<'_>) -> Wished {
    Wished {
        name: wish.name.map(str::to_owned),
        namespace: wish.namespace.map(ToString::to_string),
        privilege: wish.privilege.map(str::to_owned),
        force: wish.force,
        purge: wish.purge,
        recursive: wish.recursive,
        update_kinds: wish.update_kinds.iter().map(ToString::to_string).collect(),
    }
}
