//! The policies: parsed once, sliced by who asks what of which kind.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::str::FromStr;

use cedar_policy::{
    ActionConstraint, AuthorizationError, Effect, EntityUid, Policy, PolicyId, PolicySet, PrincipalConstraint,
    ResourceConstraint, Response, Schema, ValidationMode, Validator,
};
use serde_json::Value;
use weir_plugin::{Fault, Principal, Problem, problem};

use crate::entities::{ROLE, groups, is_fact, type_of};
use crate::refused;
use crate::settings::Settings;

/// Slices remembered an instance; they are small, callers come back.
const SLICES_MAX: usize = 4_096;

const WEIR_SCHEMA: &str = include_str!("../weir.cedarschema");

pub struct Policies {
    all: Vec<Policy>,
    slices: RefCell<HashMap<String, Rc<Slice>>>,
}

/// The policies that can decide a question.
pub struct Slice {
    pub set: PolicySet,
    /// Whether one of them looks at what only some questions tell of their object.
    pub reads_facts: bool,
}

/// What a slice depends on.
pub struct Asked<'a> {
    pub principal: &'a Principal,
    pub action: &'a str,
    pub kind: &'a str,
}

impl Policies {
    pub fn parse(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let set = PolicySet::from_str(&settings.policies)
            .map_err(|errors| errors.iter().map(|error| located(&settings.policies, error)).collect::<Vec<_>>())?;
        let mut problems = Vec::new();
        for template in set.templates() {
            problems
                .push(problem("/policies", format!("`{}` is a template: nothing fills its slots here", template.id())));
        }
        let mut names = HashSet::new();
        let mut all = Vec::new();
        for policy in set.policies() {
            let policy = named(policy);
            if !names.insert(policy.id().to_string()) {
                problems.push(problem("/policies", format!("two policies have the @id `{}`", policy.id())));
            }
            all.push(policy);
        }
        if let (Some(text), true) = (&settings.schema, problems.is_empty()) {
            problems.extend(violations(text, &all));
        }
        if problems.is_empty() { Ok(Self { all, slices: RefCell::default() }) } else { Err(problems) }
    }

    /// The policies whose scope fits; the answer is that of all policies, since the others would not be satisfied.
    pub fn slice(&self, asked: &Asked) -> Result<Rc<Slice>, Fault> {
        let key = asked.key();
        if let Some(slice) = self.slices.borrow().get(&key) {
            return Ok(Rc::clone(slice));
        }
        let fitting = self.all.iter().filter(|policy| asked.fits(policy)).cloned();
        let set = PolicySet::from_policies(fitting).map_err(|error| refused("policies", &error))?;
        let reads_facts = set.policies().any(reads_facts);
        let slice = Rc::new(Slice { set, reads_facts });
        let mut slices = self.slices.borrow_mut();
        if slices.len() >= SLICES_MAX {
            slices.clear();
        }
        slices.insert(key, Rc::clone(&slice));
        Ok(slice)
    }
}

impl Asked<'_> {
    /// Lengths keep `["a", "bc"]` and `["ab", "c"]` apart.
    fn key(&self) -> String {
        let mut roles: Vec<&str> = self.principal.roles.iter().map(String::as_str).collect();
        roles.sort_unstable();
        let parts = [self.action, self.kind, self.principal.kind.as_str(), self.principal.id.as_str()];
        parts.iter().chain(&roles).fold(String::new(), |key, part| format!("{key}{}:{part}", part.len()))
    }

    fn fits(&self, policy: &Policy) -> bool {
        self.fits_principal(policy) && self.fits_action(policy) && self.fits_kind(policy)
    }

    fn fits_principal(&self, policy: &Policy) -> bool {
        let kind = if self.principal.kind == ROLE { "Weir::Role" } else { "Weir::User" };
        let user = |uid: &EntityUid| is(uid, kind, &self.principal.id);
        let member = |uid: &EntityUid| user(uid) || self.principal.roles.iter().any(|role| is(uid, "Weir::Role", role));
        match policy.principal_constraint() {
            PrincipalConstraint::Any => true,
            PrincipalConstraint::Eq(uid) => user(&uid),
            PrincipalConstraint::In(uid) => member(&uid),
            PrincipalConstraint::Is(wanted) => wanted.to_string() == kind,
            PrincipalConstraint::IsIn(wanted, uid) => wanted.to_string() == kind && member(&uid),
        }
    }

    fn fits_action(&self, policy: &Policy) -> bool {
        let same = |uid: &EntityUid| is(uid, "Weir::Action", self.action);
        let grouped =
            |uid: &EntityUid| same(uid) || groups(self.action).iter().any(|group| is(uid, "Weir::Action", group));
        match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => same(&uid),
            ActionConstraint::In(uids) => uids.iter().any(grouped),
        }
    }

    fn fits_kind(&self, policy: &Policy) -> bool {
        let wanted = match policy.resource_constraint() {
            ResourceConstraint::Is(kind) | ResourceConstraint::IsIn(kind, _) => kind,
            ResourceConstraint::Any | ResourceConstraint::In(_) | ResourceConstraint::Eq(_) => return true,
        };
        type_of(self.kind).is_some_and(|kind| wanted.to_string() == kind)
    }
}

/// Whether a policy asks for a tag, or for an attribute that is told with some questions only. Its text as JSON names each
/// of them; a name that means something else is taken for one, which costs time, never an answer.
fn reads_facts(policy: &Policy) -> bool {
    policy.has_non_scope_constraint() && policy.to_json().map_or(true, |text| names_fact(&text))
}

fn names_fact(text: &Value) -> bool {
    match text {
        Value::String(word) => is_fact(word),
        Value::Array(parts) => parts.iter().any(names_fact),
        Value::Object(members) => {
            members.iter().any(|(name, part)| matches!(name.as_str(), "hasTag" | "getTag") || names_fact(part))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn is(uid: &EntityUid, kind: &str, id: &str) -> bool {
    uid.id().unescaped() == id && uid.type_name().to_string() == kind
}

/// A policy under the name that its author gave it.
fn named(policy: &Policy) -> Policy {
    match policy.annotation("id").filter(|name| !name.is_empty()) {
        Some(name) => policy.new_id(PolicyId::new(name)),
        None => policy.clone(),
    }
}

fn located(text: &str, error: &(impl miette::Diagnostic + ?Sized)) -> Problem {
    let place = error.labels().and_then(|mut labels| labels.next());
    let line =
        place.map(|place| text.as_bytes().iter().take(place.offset()).filter(|byte| **byte == b'\n').count() + 1);
    let help = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    match line {
        Some(line) => problem("/policies", format!("line {line}: {error}{help}")),
        None => problem("/policies", format!("{error}{help}")),
    }
}

fn violations(schema: &str, policies: &[Policy]) -> Vec<Problem> {
    let text = if schema == "weir" { WEIR_SCHEMA } else { schema };
    let schema = match Schema::from_str(text) {
        Ok(schema) => schema,
        Err(error) => return vec![problem("/schema", error.to_string())],
    };
    let Ok(set) = PolicySet::from_policies(policies.iter().cloned()) else {
        return vec![problem("/policies", "the policies do not form a set")];
    };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    result.validation_errors().map(|error| problem("/policies", error.to_string())).collect()
}

/// A forbid that could not be evaluated, with the cause.
pub fn failed_forbid(response: &Response, slice: &PolicySet) -> Option<(String, String)> {
    response.diagnostics().errors().find_map(|error| {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        let policy = slice.policy(error.policy_id())?;
        (policy.effect() == Effect::Forbid).then(|| (error.policy_id().to_string(), error.inner().to_string()))
    })
}

/// What a policy says to whom it stops.
pub fn reason(slice: &PolicySet, id: &str) -> Option<String> {
    slice.policy(&PolicyId::new(id))?.annotation("reason").map(str::to_string)
}
