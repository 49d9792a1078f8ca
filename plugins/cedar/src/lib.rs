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

use std::collections::{HashMap, HashSet};

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
struct Shared<'a> {
    actions: Vec<&'a str>,
    surroundings: Option<(&'a Object, Entities)>,
    /// Of the checks that wish nothing.
    context: Option<Context>,
}

impl<'a> Shared<'a> {
    fn by(checks: &'a [Check]) -> Self {
        let mut actions: Vec<&str> = checks.iter().map(|check| check.action.as_str()).collect();
        actions.sort_unstable();
        actions.dedup();
        Self { actions, surroundings: None, context: None }
    }
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
        let alone = std::slice::from_ref(check);
        self.decide_in(call, check, alone, &mut Shared::by(alone))
    }

    /// The checks of one request are mostly about one object: what lies around it is built once for all of them.
    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        let (mut verdicts, mut shared) = (Vec::with_capacity(checks.len()), Shared::by(checks));
        for (at, check) in checks.iter().enumerate() {
            verdicts.push(match self.decided_alone(call, check) {
                Some(verdict) => verdict,
                None => self.decide_in(call, check, &checks[at..], &mut shared)?,
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
        let named = self.policies.named(&asked).ids;
        let (mut effects, mut others) = (vec![self.undecided().effect; items], Vec::with_capacity(items));
        for (item, id) in batch.ids.iter().enumerate() {
            if named.contains(entities::policies_id(&batch.kind, id)) {
                effects[item] = self.decide(call, &batch.check(item)?)?.effect;
            } else {
                others.push(item);
            }
        }
        let slice = self.policies.slice(&asked)?;
        if !slice.set.is_empty() {
            let decided = self.decide_alike(call, batch, &slice, &others)?;
            others.into_iter().zip(decided).for_each(|(item, effect)| effects[item] = effect);
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
        let plan = plan::plan(&self.policies.slice(&asked)?.set, listing, self.settings.otherwise);
        let named = self.policies.named(&asked);
        let holds = named.ids.is_empty() || (plan == Plan::Everything && !named.forbids);
        Ok(if holds { plan } else { Plan::PerItem })
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

    /// Decides by the policies, unless the same was asked before. `rest` are the checks of the call from this one on.
    fn decide_in<'a>(
        &self,
        call: &Call,
        check: &'a Check,
        rest: &'a [Check],
        shared: &mut Shared<'a>,
    ) -> Result<Verdict, Fault> {
        let key = Key::ground(&[&check.action], &check.object).and_caller(call).and_object(&check.object);
        if let Some(verdict) = self.verdicts.get(&key) {
            return Ok(verdict);
        }
        let asked = Asked {
            principal: &call.principal,
            action: &check.action,
            kind: &check.object.kind,
            id: Some(entities::policies_id(&check.object.kind, &check.object.id)),
        };
        let slice = self.policies.slice(&asked)?;
        let verdict = match slice.set.is_empty() {
            true => self.undecided(),
            false => self.decide_by(&slice, call, (check, rest), shared)?,
        };
        if !slice.reads.clock() {
            let words = [&verdict.rule, &verdict.reason];
            let bytes = words.into_iter().flatten().map(String::len).sum();
            self.verdicts.insert(key, verdict.clone(), bytes);
        }
        Ok(verdict)
    }

    /// What an earlier check of the same call left is used again: its surroundings where they look the same to the policies
    /// that decide this one.
    fn decide_by<'a>(
        &self,
        slice: &Slice,
        call: &Call,
        (check, rest): (&'a Check, &'a [Check]),
        shared: &mut Shared<'a>,
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
                // The one of which most is known serves the most checks; those about one object come in a row.
                let fitting = rest.iter().take_while(|next| looks_same(&next.object));
                let fullest = fitting.max_by_key(|asked| entities::fact_count(&asked.object)).unwrap_or(check);
                (&fullest.object, self.graphs.of(call, &shared.actions, &fullest.object)?)
            }
        };
        let verdict = self.evaluate(&request, &slice.set, &entities);
        shared.surroundings = Some((object, entities));
        verdict
    }

    /// Decides about these items, in order, each by itself only where the policies can tell two of one namespace apart.
    fn decide_alike(&self, call: &Call, batch: &Batch, slice: &Slice, items: &[usize]) -> Result<Vec<Effect>, Fault> {
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
        Ok(check_of.into_iter().map(|check| decided[check]).collect())
    }

    /// Decides about many objects of one kind, for one action. What a policy could look at is the same as if each were asked
    /// about alone: its own place, no other object.
    fn decide_each(&self, call: &Call, slice: &Slice, checks: &[Check]) -> Result<Vec<Effect>, Fault> {
        let mut ids = HashSet::with_capacity(checks.len());
        let is_alone = |check: &Check| slice.reads.looks_beyond(&check.object.kind);
        // Two of one id would be one object; what is not there yet has none.
        let are_many = checks.iter().all(|check| !check.object.id.is_empty() && ids.insert(check.object.id.as_str()));
        if !are_many || checks.first().is_some_and(is_alone) {
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
