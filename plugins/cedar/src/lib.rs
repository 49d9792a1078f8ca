//! Authorization by Cedar policies, evaluated in the sandbox.
#![doc = include_str!("../README.md")]

mod entities;
mod graphs;
mod plan;
mod policies;
mod reads;
mod remembered;
mod scope;
mod self_test;
mod settings;

use std::collections::HashMap;
use std::rc::Rc;

use cedar_policy::{Authorizer as Engine, Context, Decision, Entities, PolicySet, Request};
use weir_plugin::{
    Authorizer, Batch, BatchColumn, Call, Check, Effect, Fault, Listing, Object, Plan, Planner, Plugin, Problem,
    Verdict,
};

use crate::graphs::Graphs;
use crate::policies::{Asked, Policies, Slice};
use crate::remembered::{Key, Remembered};
pub use crate::settings::{Otherwise, Settings};

pub struct Cedar {
    engine: Engine,
    graphs: Graphs,
    policies: Policies,
    settings: Settings,
    /// Verdicts into which no clock came.
    verdicts: Remembered<Verdict>,
}

/// Verdicts remembered an instance.
const VERDICTS_MAX: usize = 4_096;

/// What the checks of one call have in common.
#[derive(Default)]
struct Shared<'a> {
    surroundings: Option<(&'a Object, Rc<Entities>)>,
    /// Of the checks that wish nothing.
    context: Option<Context>,
}

impl Plugin for Cedar {
    type Settings = Settings;
    /// Policies say which claims they look at, and only the operator knows the policies: what is granted is shown.
    const CLAIMS: &'static [&'static str] = &["*"];
    const SUMMARY: &'static str = "Authorization by Cedar policies, evaluated in the sandbox";

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let policies = Policies::parse(&settings)?;
        let cedar = Self {
            engine: Engine::new(),
            graphs: Graphs::new()?,
            policies,
            settings,
            verdicts: Remembered::new(VERDICTS_MAX),
        };
        let wrong = self_test::run(&cedar);
        if wrong.is_empty() { Ok(cedar) } else { Err(wrong) }
    }
}

impl Authorizer for Cedar {
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault> {
        if let Some(verdict) = self.decided_alone(call, check) {
            return Ok(verdict);
        }
        self.decide_in(call, check, &mut Shared::default(), std::slice::from_ref(check))
    }

    /// The checks of one request are mostly about one object: what lies around it is built once for all of them.
    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        let (mut verdicts, mut shared) = (Vec::with_capacity(checks.len()), Shared::default());
        for check in checks {
            verdicts.push(match self.decided_alone(call, check) {
                Some(verdict) => verdict,
                None => self.decide_in(call, check, &mut shared, checks)?,
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
        let asked = Asked { principal: &call.principal, action: &batch.action, kind: &batch.kind, id: None };
        let named = self.policies.named_ids(&asked);
        let (mut effects, mut others) = (vec![self.undecided().effect; items], Vec::with_capacity(items));
        for (item, id) in batch.ids.iter().enumerate() {
            if named.contains(id.as_str()) {
                effects[item] = self.decide(call, &batch.check(item)?)?.effect;
            } else {
                others.push(item);
            }
        }
        let slice = self.policies.slice(&asked)?;
        if !slice.set.is_empty() {
            self.decide_alike(call, batch, &slice, &others, &mut effects)?;
        }
        Ok(effects)
    }
}

impl Planner for Cedar {
    fn plan_list(&self, call: &Call, listing: &Listing) -> Result<Plan, Fault> {
        if self.is_administrator(call) {
            return Ok(Plan::Everything);
        }
        let asked = Asked { principal: &call.principal, action: &listing.action, kind: &listing.kind, id: None };
        if !self.policies.named_ids(&asked).is_empty() {
            return Ok(Plan::PerItem);
        }
        Ok(plan::plan(&self.policies.slice(&asked)?.set, listing, self.settings.otherwise))
    }
}

impl Cedar {
    fn is_administrator(&self, call: &Call) -> bool {
        self.settings.administrators.contains(&call.principal.id)
            || call.principal.roles.iter().any(|role| self.settings.administrator_roles.contains(role))
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

    /// Decides by the policies. What an earlier check of the same call left is used again: its surroundings where they look
    /// the same to the policies that decide this one; they know the actions of all `checks`.
    fn decide_in<'a>(
        &self,
        call: &Call,
        check: &'a Check,
        shared: &mut Shared<'a>,
        checks: &'a [Check],
    ) -> Result<Verdict, Fault> {
        let key = Key::ground(&[&check.action], &check.object).and_caller(call).and_object(&check.object);
        if let Some(verdict) = self.verdicts.get(&key) {
            return Ok(verdict);
        }
        let asked = Asked {
            principal: &call.principal,
            action: &check.action,
            kind: &check.object.kind,
            id: Some(entities::id_of(&check.object)),
        };
        let slice = self.policies.slice(&asked)?;
        let verdict = match slice.set.is_empty() {
            true => self.undecided(),
            false => self.decide_by(&slice, call, check, shared, checks)?,
        };
        if !slice.reads.clock() {
            self.verdicts.insert(key, verdict.clone());
        }
        Ok(verdict)
    }

    fn decide_by<'a>(
        &self,
        slice: &Slice,
        call: &Call,
        check: &'a Check,
        shared: &mut Shared<'a>,
        checks: &'a [Check],
    ) -> Result<Verdict, Fault> {
        let request = self.graphs.request(call, check, &mut shared.context)?;
        let looks_same = |object: &Object| {
            entities::is_one_object(object, &check.object)
                && (!slice.reads_facts || entities::have_same_facts(object, &check.object))
        };
        let known = shared.surroundings.take().filter(|(object, _)| looks_same(object));
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
        shared.surroundings = Some((object, entities));
        verdict
    }

    /// Decides about these items, each by itself only where the policies can tell two of one namespace apart.
    fn decide_alike(
        &self,
        call: &Call,
        batch: &Batch,
        slice: &Slice,
        items: &[usize],
        effects: &mut [Effect],
    ) -> Result<(), Fault> {
        let matters = |column: &BatchColumn| slice.reads_facts || entities::is_wish(&column.key);
        let tells_apart = slice.reads.tells_apart(&batch.kind) || batch.columns.iter().any(matters);
        let (mut checks, mut check_of, mut of_namespace) =
            (Vec::new(), Vec::with_capacity(items.len()), HashMap::new());
        for item in items {
            let first = *of_namespace.entry(batch.namespace_of.get(*item)).or_insert(checks.len());
            if tells_apart || first == checks.len() {
                check_of.push(checks.len());
                checks.push(batch.check(*item)?);
            } else {
                check_of.push(first);
            }
        }
        let decided = self.decide_each(call, slice, &checks)?;
        for (item, check) in items.iter().zip(check_of) {
            effects[*item] = decided[check];
        }
        Ok(())
    }

    /// Decides about many objects of one kind, for one action. What a policy could look at is the same as if each were asked
    /// about alone: its own place, no other object.
    fn decide_each(&self, call: &Call, slice: &Slice, checks: &[Check]) -> Result<Vec<Effect>, Fault> {
        if checks.first().is_some_and(|first| slice.reads.names(&first.object.kind)) {
            return checks.iter().map(|check| Ok(self.decide(call, check)?.effect)).collect();
        }
        let (mut effects, mut context) = (Vec::with_capacity(checks.len()), None);
        for together in checks.chunk_by(|one, next| entities::lie_together(&one.object, &next.object)) {
            let entities = self.graphs.of_many(call, together, &slice.reads)?;
            for check in together {
                let request = self.graphs.request(call, check, &mut context)?;
                effects.push(self.evaluate(&request, &slice.set, &entities)?.effect);
            }
        }
        Ok(effects)
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
