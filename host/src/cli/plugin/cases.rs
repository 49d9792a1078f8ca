//! A file of cases: questions or changes, each with the answer that is expected.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value as Json;

use super::change::{State, proposal};
use super::question::{Place, Who, kind_of};
use crate::plugin::{Effect, Guest, PluginFault, Severity};

/// The whole file, in TOML or JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    /// The settings that the plugin is tested with; `--settings FILE` takes their place.
    pub settings: Option<Json>,
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// One case: `action` makes it a question to an authorizer, `operation` a change for a contract.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Case {
    pub name: Option<String>,
    /// Who asks; the anonymous caller where it is left out.
    #[serde(default)]
    who: Who,
    action: Option<String>,
    operation: Option<String>,
    /// The path in the warehouse, `sales.orders`; empty for the warehouse itself.
    #[serde(default)]
    object: String,
    /// Else what the action is about, else `table`.
    kind: Option<String>,
    #[serde(default = "project")]
    project: String,
    #[serde(default = "warehouse")]
    warehouse: String,
    #[serde(default)]
    attributes: BTreeMap<String, Json>,
    /// Where a rename goes.
    target: Option<String>,
    before: Option<State>,
    after: Option<State>,
    #[serde(default)]
    updates: Vec<String>,
    #[serde(default)]
    now_ms: Option<u64>,
    /// `allow`, `deny`, `abstain`; `pass`, `warn`, `block`; or the code of a fault such as `plugin_timeout`.
    expect: String,
    /// The rules that must be named, in any order; not looked at where it is left out.
    rules: Option<Vec<String>>,
}

fn project() -> String {
    "default".into()
}

fn warehouse() -> String {
    "lake".into()
}

/// What a plugin said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// In the words of `expect`.
    pub word: String,
    pub rules: Vec<String>,
    pub why: Vec<String>,
}

const USUAL_NOW_MS: u64 = 1_700_000_000_000;

impl Cases {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let read = || -> anyhow::Result<Self> {
            let text = std::fs::read_to_string(path)?;
            Ok(match path.extension() {
                Some(ending) if ending == "json" => serde_json::from_str(&text)?,
                _ => toml::from_str(&text)?,
            })
        };
        read().with_context(|| format!("the cases in {}", path.display()))
    }
}

impl Case {
    /// How it is called in reports.
    pub fn title(&self) -> String {
        let asked = self.action.as_deref().or(self.operation.as_deref()).unwrap_or("nothing");
        self.name.clone().unwrap_or_else(|| format!("{} asks {asked} of `{}`", self.who.id, self.object))
    }

    /// Asks; the text of an error says what is wrong with the case itself.
    pub async fn ask(&self, guest: &Guest) -> Result<Said, String> {
        match (&self.action, &self.operation) {
            (Some(action), None) => self.decide(guest, action).await,
            (None, Some(operation)) => self.review(guest, operation).await,
            _ => Err("a case has either an `action` or an `operation`".into()),
        }
    }

    async fn decide(&self, guest: &Guest, action: &str) -> Result<Said, String> {
        let call = self.who.call(self.now_ms.unwrap_or(USUAL_NOW_MS))?;
        let check = self.place(&self.object, kind_of(action)).check(action)?;
        let verdicts = match guest.authorize(&call, &[check]).await {
            Ok(verdicts) => verdicts,
            Err(fault) => return Ok(Said::of(&fault)),
        };
        let verdict = verdicts.into_iter().next().ok_or("the plugin gave no verdict")?;
        Ok(Said {
            word: word(verdict.effect).into(),
            rules: verdict.rule.into_iter().collect(),
            why: verdict.reason.into_iter().collect(),
        })
    }

    async fn review(&self, guest: &Guest, operation: &str) -> Result<Said, String> {
        let call = self.who.call(self.now_ms.unwrap_or(USUAL_NOW_MS))?;
        let subject = self.place(&self.object, "table").object()?;
        let target = self.target.as_deref().map(|path| self.place(path, "table").object()).transpose()?;
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let proposal = proposal(operation, before, after, &self.updates).map_err(|error| format!("{error:#}"))?;
        let violations = match guest.review(&call, &subject, target.as_ref(), Arc::new(proposal)).await {
            Ok(violations) => violations,
            Err(fault) => return Ok(Said::of(&fault)),
        };
        let blocks = violations.iter().any(|violation| violation.severity == Severity::Block);
        let word = if blocks {
            "block"
        } else if violations.is_empty() {
            "pass"
        } else {
            "warn"
        };
        Ok(Said {
            word: word.into(),
            rules: violations.iter().map(|violation| violation.rule.clone()).collect(),
            why: violations.into_iter().map(|violation| violation.message).collect(),
        })
    }

    fn place<'a>(&'a self, path: &'a str, kind: &'a str) -> Place<'a> {
        Place {
            kind: self.kind.as_deref().unwrap_or(kind),
            project: &self.project,
            warehouse: &self.warehouse,
            path,
            attributes: &self.attributes,
        }
    }

    /// What is wrong with the answer; `None` where it is as expected.
    pub fn difference(&self, said: &Said) -> Option<String> {
        let found = format!("`{}`{}{}", said.word, by(&said.rules), because(&said.why));
        if said.word != self.expect {
            return Some(format!("expected `{}`, found {found}", self.expect));
        }
        let sorted = |rules: &[String]| {
            let mut rules = rules.to_vec();
            rules.sort();
            rules
        };
        let expected = self.rules.as_ref()?;
        (sorted(expected) != sorted(&said.rules))
            .then(|| format!("expected the rules {}, found {found}", expected.join(", ")))
    }
}

impl Said {
    fn of(fault: &PluginFault) -> Self {
        Self { word: fault.code().into(), rules: Vec::new(), why: vec![fault.to_string()] }
    }
}

pub(super) const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
        Effect::Abstain => "abstain",
    }
}

fn by(rules: &[String]) -> String {
    if rules.is_empty() { String::new() } else { format!(" by {}", rules.join(", ")) }
}

fn because(why: &[String]) -> String {
    if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) }
}
