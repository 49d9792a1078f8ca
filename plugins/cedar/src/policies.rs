//! The policies: parsed once, sliced by who asks what of which kind.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::str::FromStr;

use cedar_policy::{
    AuthorizationError, Effect, Policy, PolicyId, PolicySet, Response, Schema, ValidationMode, Validator,
};
use weir_plugin::{Fault, Principal, Problem, problem};

use crate::reads::Reads;
use crate::refused;
use crate::scope::Scope;
use crate::settings::Settings;

/// Policies in all remembered slices together, at about a kilobyte each; callers with the same rights share a slice.
const SLICED_MAX: usize = 16_384;

const WEIR_SCHEMA: &str = include_str!("../weir.cedarschema");

pub struct Policies {
    all: Vec<Known>,
    about_anybody: Vec<usize>,
    /// By the id of the principal, or of one of its roles.
    about_one: HashMap<String, Vec<usize>>,
    slices: RefCell<Slices>,
}

#[derive(Default)]
struct Slices {
    /// By the places of their policies among all.
    known: HashMap<Vec<usize>, Rc<Slice>>,
    policies: usize,
}

/// A policy with what is to be known of it again and again.
struct Known {
    policy: Policy,
    scope: Scope,
    reads: Reads,
}

/// A question, as far as scopes look at it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub principal: &'a Principal,
    pub action: &'a str,
    pub kind: &'a str,
    /// The object's; `None` for whatever may come.
    pub id: Option<&'a str>,
}

/// What policies about one object speak of.
pub struct Named<'a> {
    pub ids: HashSet<&'a str>,
    /// Whether one of them forbids.
    pub forbids: bool,
}

/// The policies that can decide a question.
pub struct Slice {
    pub set: PolicySet,
    pub reads: Reads,
    /// Whether one of them looks at what only some questions tell of their object.
    pub reads_facts: bool,
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
            match Reads::of(&policy) {
                Some(reads) => all.push(Known { scope: Scope::of(&policy), reads, policy }),
                None => problems.push(problem("/policies", format!("`{}` cannot be looked into", policy.id()))),
            }
        }
        if let (Some(text), true) = (&settings.schema, problems.is_empty()) {
            problems.extend(violations(text, &all));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let (mut about_anybody, mut about_one) = (Vec::new(), HashMap::<String, Vec<usize>>::new());
        for (at, known) in all.iter().enumerate() {
            match known.scope.needs_id() {
                None => about_anybody.push(at),
                Some(id) => about_one.entry(id.to_string()).or_default().push(at),
            }
        }
        Ok(Self { all, about_anybody, about_one, slices: RefCell::default() })
    }

    /// The policies whose scope fits; the answer is that of all policies, since the others would not be satisfied. Without
    /// an id, those that fit whatever object of the kind it is.
    pub fn slice(&self, asked: &Asked) -> Result<Rc<Slice>, Fault> {
        let mut fitting = self.fitting(asked);
        fitting.retain(|at| self.all[*at].scope.object_id().is_none_or(|id| asked.id == Some(id)));
        self.sliced(fitting)
    }

    /// What some of the fitting policies speak of alone, whatever id is asked about.
    pub fn named(&self, asked: &Asked) -> Named<'_> {
        let mut named = Named { ids: HashSet::new(), forbids: false };
        for known in self.fitting(asked).into_iter().map(|at| &self.all[at]) {
            if let Some(id) = known.scope.object_id() {
                named.ids.insert(id);
                named.forbids |= known.policy.effect() == Effect::Forbid;
            }
        }
        named
    }

    /// Their places, in order; the object's id is not looked at.
    fn fitting(&self, asked: &Asked) -> Vec<usize> {
        let ids = std::iter::once(&asked.principal.id).chain(&asked.principal.roles);
        let about_them = ids.filter_map(|id| self.about_one.get(id)).flatten();
        let fits = |at: &usize| {
            let scope = &self.all[*at].scope;
            scope.fits_question(asked.action, asked.kind) && scope.fits_principal(asked.principal)
        };
        let mut fitting: Vec<usize> = self.about_anybody.iter().chain(about_them).copied().filter(fits).collect();
        fitting.sort_unstable();
        fitting.dedup();
        fitting
    }

    fn sliced(&self, fitting: Vec<usize>) -> Result<Rc<Slice>, Fault> {
        if let Some(slice) = self.slices.borrow().known.get(&fitting) {
            return Ok(Rc::clone(slice));
        }
        let known = || fitting.iter().map(|at| &self.all[*at]);
        let set = PolicySet::from_policies(known().map(|known| known.policy.clone()));
        let mut reads = Reads::default();
        known().for_each(|known| reads.extend(&known.reads));
        let set = set.map_err(|error| refused("policies", &error))?;
        let slice = Rc::new(Slice { set, reads_facts: reads.facts(), reads });
        let mut slices = self.slices.borrow_mut();
        if slices.policies + fitting.len() > SLICED_MAX {
            *slices = Slices::default();
        }
        if fitting.len() <= SLICED_MAX {
            slices.policies += fitting.len().max(1);
            slices.known.insert(fitting, Rc::clone(&slice));
        }
        Ok(slice)
    }
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

fn violations(schema: &str, policies: &[Known]) -> Vec<Problem> {
    let text = if schema == "weir" { WEIR_SCHEMA } else { schema };
    let schema = match Schema::from_str(text) {
        Ok(schema) => schema,
        Err(error) => return vec![problem("/schema", error.to_string())],
    };
    let Ok(set) = PolicySet::from_policies(policies.iter().map(|known| known.policy.clone())) else {
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
