//! Proof that somebody was allowed to do something: every write asks for one, as does a vended credential.

use std::sync::Arc;

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
    /// The id of the request that it was granted for; empty for the host's own work.
    request_id: Arc<str>,
}

impl Permit {
    /// The permit that an allowing verdict grants; `None` where it denies.
    pub fn granted(actor: &str, action: Action, effect: Effect) -> Option<Self> {
        match effect {
            Effect::Allow => Some(Self { actor: actor.to_owned(), action: Some(action), request_id: Arc::from("") }),
            Effect::Deny => None,
        }
    }

    /// The host's own permit, for boot, migration and background work; `work` names it in the audit.
    pub fn operator(work: &str) -> Self {
        Self { actor: format!("weir:{work}"), action: None, request_id: Arc::from("") }
    }

    /// The same, granted for a request of this id, so that what it changes leads back to it.
    pub fn for_request(self, id: Arc<str>) -> Self {
        Self { request_id: id, ..self }
    }

    /// Who acts: the caller's id, or `weir:<work>` for the host itself.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The id of the request; `None` for the host's own work.
    pub fn request_id(&self) -> Option<&str> {
        Some(&*self.request_id).filter(|id| !id.is_empty())
    }

    pub fn action(&self) -> Option<Action> {
        self.action
    }
}
