//! What the guests of the tests have in common: behaviours that settings choose.

mod behaviour;
mod misbehave;
mod store;

pub use behaviour::{Behaviour, Place, Rule, Settings};
pub use misbehave::Said;
pub use store::{Store, StoreSettings};

use weir_plugin::{
    Authorizer, Batch, Call, Check, Contract, Effect, Fault, Ids, Listing, Object, Plan, Planner, Plugin, Problem,
    Proposal, Verdict, Violation,
};

/// One guest for all tests.
pub struct Guest {
    settings: Settings,
}

impl Plugin for Guest {
    type Settings = Settings;
    const SUMMARY: &'static str = "Does what its settings say, however bad";
    const SECRETS: &'static [&'static str] = &["api-token"];
    const EGRESS: &'static [&'static str] = &["http://127.0.0.1:1"];
    const CLAIMS: &'static [&'static str] = &["email"];

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        if let Some(problems) = settings.problems.filter(|count| *count > 0) {
            return Err((0..problems)
                .map(|i| weir_plugin::problem(format!("/rules/{i}"), "made up for a test"))
                .collect());
        }
        if settings.at == Place::Configure {
            misbehave::act(&settings, None).map_err(|fault| vec![weir_plugin::problem("", format!("{fault:?}"))])?;
        }
        Ok(Self { settings })
    }
}

impl Guest {
    fn act(&self, place: Place, call: &Call) -> Result<Said, Fault> {
        if self.settings.at == place { misbehave::act(&self.settings, Some(call)) } else { Ok(Said::default()) }
    }

    fn by_rules(&self, call: &Call, check: &Check) -> Verdict {
        let mut rules = self.settings.rules.iter().enumerate();
        match rules.find(|(_, rule)| rule.covers(call, check)) {
            Some((i, rule)) => Verdict { effect: rule.effect.into(), rule: Some(format!("rule-{i}")), reason: None },
            None => Verdict { effect: self.settings.answer.into(), rule: None, reason: None },
        }
    }
}

impl Authorizer for Guest {
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault> {
        Ok(self.by_rules(call, check))
    }

    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        let said = self.act(Place::Authorize, call)?;
        let mut verdicts: Vec<Verdict> = checks.iter().map(|check| self.by_rules(call, check)).collect();
        if self.settings.behaviour == Behaviour::Echo {
            for (verdict, check) in verdicts.iter_mut().zip(checks) {
                verdict.reason = Some(format!("{call:?} {check:?}"));
            }
        }
        if self.settings.behaviour == Behaviour::Fickle && misbehave::is_other_time() {
            for verdict in &mut verdicts {
                verdict.effect = if verdict.effect == Effect::Allow { Effect::Deny } else { Effect::Allow };
            }
        }
        said.change(&mut verdicts);
        Ok(verdicts)
    }

    fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<Effect>, Fault> {
        let said = self.act(Place::AuthorizeMany, call)?;
        let mut effects = Vec::with_capacity(batch.ids.len());
        for item in 0..batch.ids.len() {
            effects.push(self.by_rules(call, &batch.check(item)?).effect);
        }
        said.change(&mut effects);
        Ok(effects)
    }
}

impl Planner for Guest {
    fn plan_list(&self, call: &Call, listing: &Listing) -> Result<Plan, Fault> {
        self.act(Place::Plan, call)?;
        let settings = &self.settings;
        Ok(match settings.plan.as_deref() {
            Some("nothing") => Plan::Nothing,
            Some("everything") => Plan::Everything,
            Some("abstain") => Plan::Abstain,
            Some("ids") => Plan::Ids(Ids { ids: settings.names.clone(), complete: true }),
            Some("ids-truncated") => Plan::Ids(Ids { ids: settings.names.clone(), complete: false }),
            Some("namespaces") => Plan::Namespaces(
                settings.names.iter().map(|path| path.split('.').map(str::to_string).collect()).collect(),
            ),
            Some("name-prefixes") => Plan::NamePrefixes(settings.names.clone()),
            Some("per-item") | None => Plan::PerItem,
            Some(other) => return Err(Fault::invalid("no_such_plan", format!("{other} of {}", listing.kind))),
        })
    }
}

impl Contract for Guest {
    fn review(
        &self,
        call: &Call,
        subject: &Object,
        target: Option<&Object>,
        proposal: &Proposal,
    ) -> Result<Vec<Violation>, Fault> {
        let said = self.act(Place::Review, call)?;
        let mut violations = Vec::new();
        for name in &self.settings.names {
            if subject.name == *name || target.is_some_and(|target| target.name == *name) {
                violations.push(Violation::block("name", format!("{name} is not to be changed")).at(name));
            }
        }
        for column in proposal.dropped() {
            violations.push(Violation::warn("dropped", "a column goes").at(column.path.join(".")));
        }
        if self.settings.behaviour == Behaviour::Echo {
            violations.push(Violation::warn("echo", echo(subject, target, proposal)));
        }
        if let Some(text) = said.text {
            violations.push(Violation::warn("said", text));
        }
        for i in 0..said.extra {
            violations.push(Violation::block("extra", format!("number {i} {}", self.settings.text)));
        }
        Ok(violations)
    }
}

/// All that the host tells of a change.
fn echo(subject: &Object, target: Option<&Object>, proposal: &Proposal) -> String {
    let state = |metadata: Option<weir_plugin::Metadata>| {
        metadata.map(|state| {
            (state.uuid(), state.location(), state.format_version(), state.columns(), state.property("owner"))
        })
    };
    format!(
        "operation={} subject={subject:?} target={target:?} before={:?} after={:?} updates={:?} refs={:?} added={:?} dropped={:?} \
         renamed={:?} retyped={:?} relaxed={:?} tightened={:?} properties={:?} records={:?}",
        proposal.operation(),
        state(proposal.before()),
        state(proposal.after()),
        proposal.updates(),
        proposal.refs(),
        proposal.added(),
        proposal.dropped(),
        proposal.renamed(),
        proposal.retyped(),
        proposal.relaxed(),
        proposal.tightened(),
        proposal.properties(),
        proposal.snapshot_summary("added-records"),
    )
}
