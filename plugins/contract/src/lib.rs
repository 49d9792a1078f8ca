//! Data contracts as a plugin: which changes of a table keep the promises made to its readers.
#![doc = include_str!("../README.md")]

mod compatibility;
mod odcs;
mod pattern;
mod rules;
mod settings;

use weir_plugin::{Call, Contract, Fault, Object, Plugin, Problem, Proposal, Violation};

use crate::rules::{Review, RuleSet};
pub use crate::settings::Settings;

pub struct DataContract {
    rules: Vec<RuleSet>,
    contracts: Vec<odcs::Bound>,
    mode_property: String,
}

impl Plugin for DataContract {
    type Settings = Settings;
    const SUMMARY: &'static str = "Data contracts: compatibility, naming, required facts, Open Data Contract Standard";

    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |made: Result<RuleSet, Vec<Problem>>| made.map_err(|found| problems.extend(found)).ok();
        let rules =
            settings.rules.into_iter().enumerate().filter_map(|(i, rules)| keep(RuleSet::new(i, rules))).collect();
        let contracts = settings.contracts.into_iter().enumerate();
        let contracts =
            contracts.filter_map(|(i, bound)| odcs::bind(i, bound).map_err(|p| problems.push(p)).ok()).collect();
        if problems.is_empty() {
            Ok(Self { rules, contracts, mode_property: settings.mode_property })
        } else {
            Err(problems)
        }
    }
}

impl Contract for DataContract {
    fn review(
        &self,
        _: &Call,
        subject: &Object,
        target: Option<&Object>,
        proposal: &Proposal,
    ) -> Result<Vec<Violation>, Fault> {
        let review = Review::of(subject, target, proposal, &self.mode_property);
        let mut violations: Vec<Violation> = self.rules.iter().flat_map(|rules| rules.review(&review)).collect();
        violations.extend(self.contracts.iter().flat_map(|contract| contract.review(&review)));
        Ok(violations)
    }
}

weir_plugin::plugin!(DataContract: contract);
