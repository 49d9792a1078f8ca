//! A contract that judges a transaction as a whole: the tables that it names change together or not at all.
use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Call, Contract, Fault, Object, Plugin, Problem, Proposal, TransactionContract, Violation, plugin};

#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Together {
    names: Vec<String>,
    /// It breaks off instead of judging a transaction.
    traps: bool,
}

impl Plugin for Together {
    type Settings = Self;
    const SUMMARY: &'static str = "Tables that change together or not at all";

    fn configure(settings: Self) -> Result<Self, Vec<Problem>> {
        Ok(settings)
    }
}

impl Contract for Together {
    /// Alone none of them may change.
    fn review(&self, _: &Call, subject: &Object, _: Option<&Object>, _: &Proposal) -> Result<Vec<Violation>, Fault> {
        let named = self.names.contains(&subject.name);
        let alone = || Violation::block("together", format!("{} must not change alone", subject.name));
        Ok(named.then(alone).into_iter().collect())
    }
}

impl TransactionContract for Together {
    fn review_transaction(&self, _: &Call, changes: &[(&Object, Proposal)]) -> Result<Vec<Violation>, Fault> {
        assert!(!self.traps, "as it was told");
        let changed: Vec<&str> = changes.iter().map(|(subject, _)| subject.name.as_str()).collect();
        let properties: usize = changes.iter().map(|(_, proposal)| proposal.properties().len()).sum();
        let mut violations =
            vec![Violation::warn("seen", format!("{} with {properties} properties", changed.join(", ")))];
        let missing: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| !changed.contains(name)).collect();
        if !missing.is_empty() && missing.len() < self.names.len() {
            violations.push(Violation::block("together", format!("{} must change, too", missing.join(", "))));
        }
        Ok(violations)
    }
}

plugin!(Together: contract, transactions);
