//! Proof that somebody was allowed to do something: every write asks for one, as does a vended credential.

use crate::catalog::action::Action;

/// What an authorizer says to one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Deny,
    Allow,
}

/// Made only from a verdict that allows, or by the host for its own work.
///
/// INVARIANT: there is no other way to make one, so code that forgot to authorize does not compile.
#[derive(Clone, Debug)]
pub struct Permit {
    actor: String,
    action: Option<Action>,
}

impl Permit {
    /// The permit that an allowing verdict grants; `None` where it denies.
    pub fn granted(actor: &str, action: Action, effect: Effect) -> Option<Self> {
        match effect {
            Effect::Allow => Some(Self { actor: actor.to_owned(), action: Some(action) }),
            Effect::Deny => None,
        }
    }

    /// The host's own permit, for boot, migration and background work; `work` names it in the audit.
    pub fn operator(work: &str) -> Self {
        Self { actor: format!("weir:{work}"), action: None }
    }

    /// Who acts: the caller's id, or `weir:<work>` for the host itself.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    pub fn action(&self) -> Option<Action> {
        self.action
    }
}
