//! Why somebody may do something or may not: the chain's own words for any principal, nothing granted.

use super::facts::claims;
use super::question::Question;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::plugin::chain::{Opinion, Outcome};
use crate::plugin::{Attribute, Call, Check, Principal};

/// Whom a question is about.
#[derive(Clone, Debug)]
pub struct Asker {
    pub id: String,
    pub kind: String,
    pub roles: Vec<String>,
    pub claims: Vec<Attribute>,
}

/// What would be answered, with what each authorizer says.
#[derive(Clone, Debug)]
pub struct Explained {
    pub outcome: Outcome,
    /// The host's own rule, where it decides before any authorizer.
    pub ruled: Option<&'static str>,
    pub generation: u64,
    /// In the order of the chain; shadows too.
    pub opinions: Vec<Opinion>,
}

impl Asker {
    pub fn caller(caller: &Caller) -> Self {
        Self {
            id: caller.principal_id().to_owned(),
            kind: caller.kind().as_str().to_owned(),
            roles: caller.roles().to_vec(),
            claims: claims(caller),
        }
    }

    fn principal(&self) -> Principal {
        let Self { id, kind, roles, claims } = self.clone();
        Principal { id, kind, roles, claims }
    }
}

impl App {
    /// Who decides here, as the server describes itself.
    pub fn authorization_name(&self) -> &'static str {
        match self.plugins.authorizers().decides() {
            true => "plugins",
            false => self.authorization.rule().name(),
        }
    }

    /// One explanation for each question, in order.
    pub async fn explain(
        &self,
        caller: &Caller,
        asker: &Asker,
        questions: &[Question<'_>],
    ) -> Result<Vec<Explained>, Error> {
        let chain = self.plugins.authorizers();
        let mut checks: Vec<Check> = Vec::with_capacity(questions.len());
        for question in questions {
            checks.push(self.check(question).await?);
        }
        let call = Call { principal: asker.principal(), ..self.call(caller) };
        let opinions = chain.opinions(&call, &checks).await;
        let explained = questions.iter().zip(opinions).map(|(question, opinions)| {
            let ruled = self.authorization.ruled(&asker.id, question.object.kind(), chain.decides());
            let outcome = ruled.map_or_else(|| chain.outcome(&opinions), |ruled| ruled.outcome());
            let ruled = ruled.map(|ruled| ruled.rule);
            Explained { outcome, ruled, generation: chain.generation, opinions }
        });
        Ok(explained.collect())
    }

    /// Whether somebody may, each question by itself, as a decision would be made: only those who decide are asked.
    pub async fn outcomes_for(
        &self,
        caller: &Caller,
        asker: &Asker,
        questions: &[Question<'_>],
    ) -> Result<Vec<Outcome>, Error> {
        let chain = self.plugins.authorizers();
        let ruled =
            |question: &Question<'_>| self.authorization.ruled(&asker.id, question.object.kind(), chain.decides());
        let mut outcomes: Vec<Option<Outcome>> =
            questions.iter().map(|question| ruled(question).map(|ruled| ruled.outcome())).collect();
        let mut checks = Vec::new();
        for (question, _) in questions.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none()) {
            checks.push(self.check(question).await?);
        }
        let call = Call { principal: asker.principal(), ..self.call(caller) };
        let mut decided = chain.decide(&call, &checks).await.into_iter();
        for open in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
            *open = decided.next().map(|decision| decision.outcome);
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Deny)).collect())
    }
}
