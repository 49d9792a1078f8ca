//! Authorization by Cedar policies, evaluated in the sandbox.
#![doc = include_str!("../README.md")]

mod entities;
mod graphs;
mod plan;
mod policies;
mod self_test;
mod settings;

use std::rc::Rc;

use cedar_policy::{Authorizer as Engine, Decision, Entities, PolicySet, Request};
use weir_plugin::{
    Authorizer, Batch, Call, Check, Effect, Fault, Listing, Object, Plan, Planner, Plugin, Problem, Verdict,
};

use crate::graphs::Graphs;
use crate::policies::{Asked, Policies, Slice};
pub use crate::settings::{Otherwise, Settings};

pub struct Cedar {
    engine: Engine,
    graphs: Graphs,
    policies: Policies,
    settings: Settings,
}

impl Plugin for Cedar {
    type Settings = Settings;
    /// Policies say which claims they look at, and only the operator knows the policies: what is granted is shown.
    const CLAIMS: &'static [&'static str] = &["*"];
    const SUMMARY: &'static str = "Authorization by Cedar policies, evaluated in the sandbox";

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let policies = Policies::parse(&settings)?;
        let cedar = Self { engine: Engine::new(), graphs: Graphs::new()?, policies, settings };
        let wrong = self_test::run(&cedar);
        if wrong.is_empty() { Ok(cedar) } else { Err(wrong) }
    }
}

impl Authorizer for Cedar {
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault> {
        if let Some(verdict) = self.decided_alone(call, check) {
            return Ok(verdict);
        }
        self.decide_in(call, check, &mut None, std::slice::from_ref(check))
    }

    /// The checks of one request are mostly about one object: what lies around it is built once for all of them.
    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        let (mut verdicts, mut surroundings) = (Vec::with_capacity(checks.len()), None);
        for check in checks {
            verdicts.push(match self.decided_alone(call, check) {
                Some(verdict) => verdict,
                None => self.decide_in(call, check, &mut surroundings, checks)?,
            });
        }
        Ok(verdicts)
    }

    fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<Effect>, Fault> {
        let items = batch.ids.len();
        if self.is_administrator(call) {
            return Ok(vec![Effect::Allow; items]);
        }
        if entities::type_of(&batch.kind).is_none() {
            return Ok(vec![Effect::Deny; items]);
        }
        let slice = self.slice(call, &batch.action, &batch.kind)?;
        if slice.set.is_empty() {
            return Ok(vec![self.undecided().effect; items]);
        }
        let checks = (0..items).map(|item| batch.check(item)).collect::<Result<Vec<_>, _>>()?;
        let entities = self.graphs.of_many(call, &batch.action, &checks)?;
        let requests = self.graphs.requests(call, &checks)?;
        requests.iter().map(|request| Ok(self.evaluate(request, &slice.set, &entities)?.effect)).collect()
    }
}

impl Planner for Cedar {
    fn plan_list(&self, call: &Call, listing: &Listing) -> Result<Plan, Fault> {
        if self.is_administrator(call) {
            return Ok(Plan::Everything);
        }
        let slice = self.slice(call, &listing.action, &listing.kind)?;
        Ok(plan::plan(&slice.set, listing, self.settings.otherwise))
    }
}

impl Cedar {
    fn is_administrator(&self, call: &Call) -> bool {
        self.settings.administrators.contains(&call.principal.id)
            || call.principal.roles.iter().any(|role| self.settings.administrator_roles.contains(role))
    }

    /// The policies whose scope fits caller, action and kind: the others cannot change the answer.
    fn slice(&self, call: &Call, action: &str, kind: &str) -> Result<Rc<Slice>, Fault> {
        self.policies.slice(&Asked { principal: &call.principal, action, kind })
    }

    /// What is decided without looking at any policy.
    fn decided_alone(&self, call: &Call, check: &Check) -> Option<Verdict> {
        if self.is_administrator(call) {
            return Some(Verdict::allow().by("administrators"));
        }
        entities::type_of(&check.object.kind)
            .is_none()
            .then(|| Verdict::deny(format!("no policy can speak of objects of kind `{}`", check.object.kind)))
    }

    /// Decides by the policies. `surroundings` are those of an earlier check of the same call, used again where they look
    /// the same to the policies that decide this one; they know the actions of all `checks`.
    fn decide_in<'a>(
        &self,
        call: &Call,
        check: &'a Check,
        surroundings: &mut Option<(&'a Object, Rc<Entities>)>,
        checks: &'a [Check],
    ) -> Result<Verdict, Fault> {
        let slice = self.slice(call, &check.action, &check.object.kind)?;
        if slice.set.is_empty() {
            return Ok(self.undecided());
        }
        let request = self.graphs.request(call, check)?;
        let looks_same = |object: &Object| {
            entities::is_one_object(object, &check.object)
                && (!slice.reads_facts || entities::have_same_facts(object, &check.object))
        };
        let known = surroundings.take().filter(|(object, _)| looks_same(object));
        let (object, entities) = match known {
            Some(known) => known,
            None => {
                let mut actions: Vec<&str> = checks.iter().map(|asked| asked.action.as_str()).collect();
                actions.sort_unstable();
                actions.dedup();
                // The one of which most is known serves the most checks.
                let fitting = checks.iter().filter(|asked| looks_same(&asked.object));
                let fullest = fitting.max_by_key(|asked| entities::fact_count(&asked.object)).unwrap_or(check);
                (&fullest.object, self.graphs.of(call, &actions, &fullest.object)?)
            }
        };
        let verdict = self.evaluate(&request, &slice.set, &entities);
        *surroundings = Some((object, entities));
        verdict
    }

    fn evaluate(&self, request: &Request, slice: &PolicySet, entities: &Entities) -> Result<Verdict, Fault> {
        let response = self.engine.is_authorized(request, slice, entities);
        // Cedar skips a policy that it cannot evaluate. For a permit that is safe; for a forbid it would open what the
        // policy is there to close.
        if let Some((id, why)) = policies::failed_forbid(&response, slice) {
            return Ok(Verdict::deny(format!("the policy `{id}` cannot be evaluated: {why}")).by(id));
        }
        let mut deciding: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
        deciding.sort();
        let rule = deciding.join(", ");
        Ok(match response.decision() {
            Decision::Allow => Verdict::allow().by(rule),
            Decision::Deny if deciding.is_empty() => self.undecided(),
            Decision::Deny => {
                let reason = deciding.iter().find_map(|id| policies::reason(slice, id));
                Verdict { effect: Effect::Deny, rule: Some(rule), reason }
            }
        })
    }

    fn undecided(&self) -> Verdict {
        match self.settings.otherwise {
            Otherwise::Abstain => Verdict::abstain(),
            Otherwise::Deny => Verdict::deny("no policy permits it"),
        }
    }
}

fn refused(what: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!("bad_{what}"), format!("Cedar refuses the {what}: {error}"))
}

weir_plugin::plugin!(Cedar: authorizer, planner);
