//! The tests that the settings carry.

use weir_plugin::{Attribute, Authorizer, Call, Check, Effect, Object, Parent, Principal, Problem, Value, problem};

use crate::Cedar;
use crate::settings::Test;

pub fn run(cedar: &Cedar) -> Vec<Problem> {
    let tests = cedar.settings.tests.iter().enumerate();
    tests.filter_map(|(i, test)| Some(problem(format!("/tests/{i}"), failure(cedar, test)?))).collect()
}

fn failure(cedar: &Cedar, test: &Test) -> Option<String> {
    let principal = Principal {
        id: test.principal.clone(),
        kind: "user".to_string(),
        roles: test.roles.clone(),
        claims: Vec::new(),
    };
    let call = Call { request_id: "self-test".to_string(), principal, now_ms: 0, deadline_ms: 0 };
    let check = Check { action: test.action.clone(), object: object(test) };
    let expected = Effect::from(test.expect);
    match cedar.decide(&call, &check) {
        Ok(verdict) if verdict.effect == expected => None,
        Ok(verdict) => Some(format!(
            "`{}` of `{}` by `{}` should be {}, is {} by {}",
            test.action,
            test.path,
            test.principal,
            word(expected),
            word(verdict.effect),
            verdict.rule.as_deref().unwrap_or("no policy"),
        )),
        Err(fault) => Some(format!("`{}` of `{}` fails: {fault:?}", test.action, test.path)),
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
        Effect::Abstain => "abstain",
    }
}

/// Ids are names here: a test is written before there are ids.
fn object(test: &Test) -> Object {
    let parent = |name: &str| Parent { id: name.to_string(), name: name.to_string() };
    let steps: Vec<&str> = test.path.split('.').filter(|step| !step.is_empty()).collect();
    let kind = test.action.split(':').next().unwrap_or_default();
    let warehouse = parent(&test.warehouse);
    let (name, above) = match steps.split_last() {
        Some((name, above)) => (*name, above),
        None => (test.warehouse.as_str(), &[][..]),
    };
    let property = |(key, value): (&String, &String)| Attribute {
        key: format!("property.{key}"),
        value: Value::Text(value.clone()),
    };
    Object {
        kind: kind.to_string(),
        id: if steps.is_empty() { test.warehouse.clone() } else { test.path.clone() },
        project: parent("default"),
        warehouse: (!matches!(kind, "server" | "project" | "warehouse")).then_some(warehouse),
        namespace: (1..=above.len())
            .map(|depth| Parent { id: above[..depth].join("."), name: above[depth - 1].to_string() })
            .collect(),
        name: name.to_string(),
        attributes: test.properties.iter().map(property).collect(),
    }
}
