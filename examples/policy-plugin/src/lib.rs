//! A policy of one's own: readers read, owners do everything, what is frozen stays as it is.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Authorizer, Call, Check, Fault, Object, Plugin, Problem, Verdict, plugin, problem, text};

/// What the operator says in `[plugins.load.<name>.settings]`; the comments become the schema's descriptions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Callers or roles that may read everything.
    #[serde(default)]
    readers: Vec<String>,
    /// Namespaces, by path, in which nothing changes any more.
    #[serde(default)]
    frozen: Vec<String>,
    /// The property of a table, view or namespace that names its owner: a caller or a role.
    #[serde(default = "owner")]
    owner_property: String,
}

fn owner() -> String {
    "owner".to_string()
}

pub struct Policy {
    settings: Settings,
}

impl Plugin for Policy {
    type Settings = Settings;
    const SUMMARY: &'static str = "Readers read, owners do everything, what is frozen stays as it is";

    /// Runs once an instance. Whatever can be wrong is told here, all of it at once, each with its place.
    fn configure(settings: Settings) -> Result<Self, Vec<Problem>> {
        let empty = settings.frozen.iter().enumerate().filter(|(_, path)| path.is_empty());
        let problems: Vec<Problem> = empty
            .map(|(at, _)| problem(format!("/frozen/{at}"), "is empty; a namespace such as `sales.old` is expected"))
            .collect();
        if problems.is_empty() { Ok(Self { settings }) } else { Err(problems) }
    }
}

impl Authorizer for Policy {
    /// Denies what it forbids, allows what it knows to be right, leaves the rest to others: where nobody allows, the
    /// caller is denied.
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault> {
        let reads = reads(&check.action);
        if !reads && let Some(path) = self.frozen(&check.object) {
            return Ok(Verdict::deny(format!("`{path}` is frozen")).by("frozen"));
        }
        let property = format!("property.{}", self.settings.owner_property);
        if text(&check.object.attributes, &property).is_some_and(|owner| is(call, owner)) {
            return Ok(Verdict::allow().by("owner"));
        }
        if reads && self.settings.readers.iter().any(|reader| is(call, reader)) {
            return Ok(Verdict::allow().by("reader"));
        }
        Ok(Verdict::abstain())
    }
}

impl Policy {
    /// The frozen namespace that an object is, or lies in.
    fn frozen(&self, object: &Object) -> Option<&String> {
        let mut steps: Vec<&str> = object.namespace.iter().map(|step| step.name.as_str()).collect();
        if object.kind == "namespace" {
            steps.push(&object.name);
        }
        let path = steps.join(".");
        let inside = |frozen: &String| path == *frozen || path.starts_with(&format!("{frozen}."));
        self.settings.frozen.iter().find(|frozen| inside(frozen))
    }
}

/// Actions that change nothing; the catalogue (`weir plugin wit --actions`) grows, so what is not known changes something.
fn reads(action: &str) -> bool {
    let verb = action.split_once(':').map_or(action, |(_, verb)| verb);
    matches!(verb, "describe" | "read" | "report-metrics") || verb.starts_with("list-")
}

/// Whether a name is that of the caller or of one of its roles.
fn is(call: &Call, name: &str) -> bool {
    call.principal.id == name || call.principal.roles.iter().any(|role| role == name)
}

plugin!(Policy: authorizer);

#[cfg(test)]
mod tests {
    use weir_plugin::testing::{call, check, configure, object};
    use weir_plugin::{Attribute, Effect, Value};

    use super::*;

    fn effect(settings: &str, caller: Call, action: &str, path: &str) -> Effect {
        let settings = serde_json::from_str(settings).unwrap();
        let policy: Policy = configure(&settings).unwrap();
        let mut asked = check(action, object("table", path));
        let owner = Attribute { key: "property.owner".to_string(), value: Value::Text("alice".to_string()) };
        asked.object.attributes.push(owner);
        policy.decide(&caller, &asked).unwrap().effect
    }

    #[test]
    fn an_owner_drops_what_is_not_frozen() {
        let settings = r#"{ "frozen": ["sales.old"] }"#;
        assert_eq!(effect(settings, call("alice", &[]), "table:drop", "sales.orders"), Effect::Allow);
        assert_eq!(effect(settings, call("alice", &[]), "table:drop", "sales.old.orders"), Effect::Deny);
        assert_eq!(effect(settings, call("alice", &[]), "table:drop", "sales.older.orders"), Effect::Allow);
    }

    #[test]
    fn a_reader_reads_alone() {
        let settings = r#"{ "readers": ["analyst"] }"#;
        assert_eq!(effect(settings, call("bob", &["analyst"]), "table:read", "sales.orders"), Effect::Allow);
        assert_eq!(effect(settings, call("bob", &["analyst"]), "table:commit", "sales.orders"), Effect::Abstain);
        assert_eq!(effect(settings, call("bob", &[]), "table:read", "sales.orders"), Effect::Abstain);
    }
}
