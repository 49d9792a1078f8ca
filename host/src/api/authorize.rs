//! Who may do what: every handler asks here, only an allowing answer makes a `Permit`.
//!
//! A question goes to the chain of authorizers of the present generation; where no authorizer is configured, the host's
//! own rule answers. What a caller may not see is answered as if it were not there.

mod absent;
mod audited;
mod decide;
mod explain;
mod facts;
mod grants;
mod lists;
mod object;
mod places;
mod question;
mod record;
mod replay;
mod rule;
mod shadow;
mod told;

pub use explain::{Asker, Explained};
pub use grants::{CHANGES_MAX, Privilege};
pub use lists::Sight;
pub use object::{Object, Within, missing};
pub use question::{Question, Wish, distinct};
pub use rule::{Authorization, HostRule};
pub use shadow::Difference;

use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::error::Error;
use crate::permit::{Effect, Permit};
use crate::plugin::chain::Outcome;
use crate::store::rows::Tabular;

/// What a caller may do with a table's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    None,
    Read,
    ReadWrite,
}

impl App {
    /// The permit for one action, or 404 where the object is hidden from the caller, else 403.
    pub async fn authorize(&self, caller: &Caller, action: Action, object: Object<'_>) -> Result<Permit, Error> {
        self.authorize_question(caller, &Question::new(action, object)).await
    }

    /// The same for a question that carries more.
    pub async fn authorize_question(&self, caller: &Caller, question: &Question<'_>) -> Result<Permit, Error> {
        let mut permits = self.authorize_all(caller, std::slice::from_ref(question)).await?;
        permits.pop().ok_or_else(|| question.hidden())
    }

    /// Whether the caller may look at what those see who may do this action; in maintenance, too.
    pub async fn authorize_look(&self, caller: &Caller, action: Action, object: Object<'_>) -> Result<(), Error> {
        self.authorize_question(caller, &Question::new(action, object).looking()).await.map(drop)
    }

    /// A permit for each question, asked all at once; the first that is refused refuses them all.
    pub async fn authorize_all(&self, caller: &Caller, questions: &[Question<'_>]) -> Result<Vec<Permit>, Error> {
        for question in questions.iter().filter(|question| question.would_change()) {
            self.refuse_in_maintenance(question.action)?;
        }
        let asked: Vec<Question<'_>> = questions.iter().flat_map(Question::with_sight).collect();
        let outcomes = self.decide(caller, &asked).await?;
        let mut outcomes = outcomes.into_iter();
        questions
            .iter()
            .map(|question| {
                let verdict = outcomes.next().unwrap_or(Outcome::Deny);
                let sight =
                    if question.is_sight() { verdict.clone() } else { outcomes.next().unwrap_or(Outcome::Deny) };
                self.judge(caller, question, (verdict, sight))
            })
            .collect()
    }

    /// What an answer comes to: denied sight hides the object, whatever else could not be decided.
    fn judge(
        &self,
        caller: &Caller,
        question: &Question<'_>,
        (verdict, sight): (Outcome, Outcome),
    ) -> Result<Permit, Error> {
        match (verdict, sight) {
            (Outcome::Allow, _) => Permit::granted(caller.id(), question.action, Effect::Allow)
                .map(|permit| permit.for_request(caller.request())),
            (_, Outcome::Deny) => None,
            (Outcome::Unable(silence), _) | (_, Outcome::Unable(silence)) => return Err(decide::unable(&silence)),
            (Outcome::Deny, Outcome::Allow) => {
                return Err(Error::Forbidden(format!(
                    "{} may not do {} on {}",
                    caller.id(),
                    question.action,
                    question.shown()
                )));
            }
        }
        .ok_or_else(|| question.hidden())
    }

    /// The permit to load a table and what it lets the caller do with the files: three questions, asked at once.
    pub async fn authorize_load(&self, caller: &Caller, table: &Tabular) -> Result<(Permit, Access), Error> {
        let question = |action| Question::new(action, Object::Tabular(table));
        let asked = [
            question(Action::TableDescribe),
            question(Action::TableRead).aside(),
            question(Action::TableWrite).aside(),
        ];
        let mut outcomes = self.decide(caller, &asked).await?.into_iter();
        let mut next = || outcomes.next().unwrap_or(Outcome::Deny);
        let (describe, read, write) = (next(), next(), next());
        let permit = self.judge(caller, &asked[0], (describe.clone(), describe))?;
        let access = match (read, write) {
            (Outcome::Unable(silence), _) | (Outcome::Allow, Outcome::Unable(silence)) => {
                return Err(decide::unable(&silence));
            }
            // Keys to write would outlive the look at the configuration, so none are made meanwhile.
            (Outcome::Allow, Outcome::Allow) if !self.config.catalog.read_only => Access::ReadWrite,
            (Outcome::Allow, Outcome::Allow | Outcome::Deny) => Access::Read,
            (Outcome::Deny, _) => Access::None,
        };
        Ok((permit, access))
    }

    /// Whether the caller may see each of the objects, in order.
    pub async fn sees(&self, caller: &Caller, objects: &[Object<'_>]) -> Result<Vec<bool>, Error> {
        let asked: Vec<Question<'_>> =
            objects.iter().map(|object| Question::new(Action::sight(object.kind()), *object).aside()).collect();
        self.seen(caller, &asked).await
    }

    async fn seen(&self, caller: &Caller, asked: &[Question<'_>]) -> Result<Vec<bool>, Error> {
        let outcomes = self.decide(caller, asked).await?;
        let unable = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Unable(silence) => Some(decide::unable(silence)),
            _ => None,
        });
        match unable {
            Some(error) => Err(error),
            None => Ok(outcomes.iter().map(|outcome| *outcome == Outcome::Allow).collect()),
        }
    }

    /// 503 for whatever would change something while the catalog is in maintenance.
    pub(in crate::api) fn refuse_in_maintenance(&self, action: Action) -> Result<(), Error> {
        if self.config.catalog.read_only && !action.only_reads() {
            return Err(Error::Unavailable {
                message: format!("the catalog is in read-only maintenance: {action} waits until it is over"),
                retry_after_s: 30,
            });
        }
        Ok(())
    }
}
