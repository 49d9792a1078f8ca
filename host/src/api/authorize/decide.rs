//! The one place where questions are answered: by the host's own rule, or by the chain in one call.

use std::sync::Arc;

use futures_util::FutureExt;

use super::question::Question;
use super::record;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::plugin::chain::{Outcome, Silence};
use crate::plugin::{Authorizers, Check};

/// How long a client waits where an authorizer does not say.
const RETRY_AFTER_S: u32 = 1;
const RETRY_AFTER_S_MAX: u32 = 60;

impl App {
    /// One outcome for each question, in order; all that authorizers are asked goes in one batch. Every handler comes by
    /// here: boxed, so that neither its future nor the compiler, for each of them, carries what is inside.
    pub(super) async fn decide(&self, caller: &Caller, questions: &[Question<'_>]) -> Result<Vec<Outcome>, Error> {
        self.decide_each(caller, questions).boxed().await
    }

    async fn decide_each(&self, caller: &Caller, questions: &[Question<'_>]) -> Result<Vec<Outcome>, Error> {
        let chain = self.plugins.authorizers();
        let authorizers_decide = chain.decides();
        let mut outcomes = vec![Outcome::Deny; questions.len()];
        let mut asked = Vec::new();
        for (at, question) in questions.iter().enumerate() {
            match self.authorization.ruled(caller.principal_id(), question.object.kind(), authorizers_decide) {
                Some(ruled) => {
                    outcomes[at] = ruled.outcome();
                    record::ruled(caller, question, ruled);
                    self.audit_ruled(caller, question, ruled);
                }
                None => asked.push(at),
            }
        }
        if asked.is_empty() {
            // Shadows are evaluated even while no authorizer is enforced: that is how the first one is tried.
            if chain.has_shadows() {
                self.compare_ruled(caller, chain, questions, &outcomes).await;
            }
            return Ok(outcomes);
        }
        let mut checks: Vec<Check> = Vec::with_capacity(asked.len());
        for at in &asked {
            checks.push(self.check(&questions[*at]).await?);
        }
        let call = self.call(caller);
        let decisions = chain.decide(&call, &checks).await;
        for (at, decision) in asked.iter().zip(&decisions) {
            outcomes[*at] = decision.outcome.clone();
            record::decided(caller, &questions[*at], decision);
            self.audit_decided(caller, &questions[*at], decision);
        }
        if self.authorization.replays.wants() {
            let (chain, checks) = (Arc::clone(&chain), checks.clone());
            self.authorization.replays.beside(chain, call.clone(), checks, decisions.clone());
        }
        if chain.has_shadows() {
            self.authorization.shadows.compare(chain, call, checks, decisions);
        }
        Ok(outcomes)
    }

    /// Beside what the host decided by itself; a question that shadows cannot be shown changes nothing of that.
    async fn compare_ruled(
        &self,
        caller: &Caller,
        chain: Arc<Authorizers>,
        questions: &[Question<'_>],
        outcomes: &[Outcome],
    ) {
        let mut checks = Vec::with_capacity(questions.len());
        for question in questions {
            match self.check(question).await {
                Ok(check) => checks.push(check),
                Err(error) => {
                    tracing::warn!(%error, "a question could not be put before the authorizers that only watch");
                    self.authorization.shadows.leave_out();
                    return;
                }
            }
        }
        self.authorization.shadows.compare_ruled(chain, self.call(caller), checks, outcomes);
    }
}

/// The answer where it could not be decided: 503, on commits 429, with the stable code of what went wrong; never an
/// allow, never a 403.
pub(super) fn unable(silence: &Silence) -> Error {
    let retry_after_s = silence.retry_after_ms.map_or(RETRY_AFTER_S, |ms| ms.div_ceil(1_000));
    Error::Unavailable {
        message: format!("whether this is allowed could not be decided ({}): nothing was done; retry", silence.code),
        retry_after_s: retry_after_s.clamp(RETRY_AFTER_S, RETRY_AFTER_S_MAX),
    }
}
