//! A contract that judges a transaction as a whole: the tables that it names change together or not at all.
use std::cell::RefCell;

use serde::Deserialize;
use weir_plugin::bindings::base::exports::weir::plugin::lifecycle::{self, Description, Problem};

wit_bindgen::generate!({ path: "../../wit/v0.1", world: "reviewing-transactions" });

use exports::weir::plugin::contract::{self, Severity, Violation};
use exports::weir::plugin::contract_transaction;
use weir::plugin::change::Proposal;
use weir::plugin::types::{Call, Fault, Object};

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    names: Vec<String>,
    /// It breaks off instead of judging a transaction.
    traps: bool,
}

thread_local! {
    static SETTINGS: RefCell<Settings> = RefCell::default();
}

struct Together;

impl lifecycle::Guest for Together {
    fn describe() -> Description {
        Description {
            name: "transaction-reviewer".to_string(),
            version: "1.0.0".to_string(),
            summary: "Tables that change together or not at all".to_string(),
            settings_schema: "{}".to_string(),
            secrets: Vec::new(),
            egress: Vec::new(),
            claims: Vec::new(),
        }
    }

    fn configure(settings: String) -> Result<(), Vec<Problem>> {
        let problem = |error: serde_json::Error| vec![Problem { pointer: String::new(), message: error.to_string() }];
        let settings = serde_json::from_str(&settings).map_err(problem)?;
        SETTINGS.replace(settings);
        Ok(())
    }
}

fn violation(severity: Severity, rule: &str, message: String) -> Violation {
    Violation { rule: rule.to_string(), message, severity, path: None }
}

impl contract::Guest for Together {
    /// Alone none of them may change.
    fn review(_: Call, subject: Object, _: Option<Object>, _: &Proposal) -> Result<Vec<Violation>, Fault> {
        let named = SETTINGS.with_borrow(|settings| settings.names.contains(&subject.name));
        let alone = || violation(Severity::Block, "together", format!("{} must not change alone", subject.name));
        Ok(named.then(alone).into_iter().collect())
    }
}

impl contract_transaction::Guest for Together {
    fn review_transaction(_: Call, changes: Vec<(Object, Proposal)>) -> Result<Vec<Violation>, Fault> {
        let settings = SETTINGS.with_borrow(Clone::clone);
        if settings.traps {
            panic!("as it was told");
        }
        let changed: Vec<&str> = changes.iter().map(|(subject, _)| subject.name.as_str()).collect();
        let properties: usize = changes.iter().map(|(_, proposal)| proposal.properties().len()).sum();
        let seen = format!("{} with {properties} properties", changed.join(", "));
        let mut violations = vec![violation(Severity::Warn, "seen", seen)];
        let missing: Vec<&str> =
            settings.names.iter().map(String::as_str).filter(|name| !changed.contains(name)).collect();
        if !missing.is_empty() && missing.len() < settings.names.len() {
            let message = format!("{} must change, too", missing.join(", "));
            violations.push(violation(Severity::Block, "together", message));
        }
        Ok(violations)
    }
}

weir_plugin::bindings::base::export_plugin!(Together with_types_in weir_plugin::bindings::base);
export!(Together);
