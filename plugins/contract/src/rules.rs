//! A set of rules applied to one change.

use regex_lite::Regex;
use weir_plugin::{Column, Metadata, Object, Problem, Proposal, Violation, problem};

use crate::pattern::{fits, whole};
use crate::settings::{Mode, Rules, Severity};

/// A namespace gets another path; what it holds comes along.
const MOVE: &str = "move-namespace";

/// One change with what every set of rules asks of it.
pub struct Review<'a> {
    pub subject: &'a Object,
    pub path: String,
    pub target: Option<&'a Object>,
    pub proposal: Proposal<'a>,
    /// The object is new here: all of it is judged, else what changes.
    pub created: bool,
    /// The object was here and stays: only then is there a change to compare.
    stays: bool,
    pub after: Option<Metadata<'a>>,
    /// The mode that the table names itself.
    own_mode: Option<Result<Mode, String>>,
    /// Columns that are new, have another name or another type.
    pub touched: Vec<Column>,
}

impl<'a> Review<'a> {
    pub fn of(subject: &'a Object, target: Option<&'a Object>, proposal: &Proposal<'a>, mode_property: &str) -> Self {
        let before = proposal.before();
        let after = proposal.after();
        // The mode that held so far judges the change: one commit cannot leave a promise by taking the sign down first.
        let own_mode = before.as_ref().or(after.as_ref()).and_then(|metadata| metadata.property(mode_property));
        let created = before.is_none() && after.is_some();
        let columns = || after.as_ref().map(Metadata::columns).unwrap_or_default();
        let touched = if created { columns() } else { touched(proposal, columns) };
        Self {
            subject,
            path: path(subject),
            target,
            proposal: *proposal,
            created,
            stays: before.is_some() && after.is_some(),
            after,
            own_mode: own_mode.map(|text| Mode::parse(&text).ok_or(text)),
            touched,
        }
    }

    /// What lies in lists and maps: nobody can name or document it.
    fn parts(&self) -> Vec<i32> {
        let columns = self.after.as_ref().map(Metadata::columns).unwrap_or_default();
        let holders: Vec<&[String]> = columns
            .iter()
            .filter(|column| ["list", "map"].contains(&base(&column.type_text)))
            .map(|column| column.path.as_slice())
            .collect();
        let is_part = |column: &&Column| column.path.split_last().is_some_and(|(_, above)| holders.contains(&above));
        columns.iter().filter(is_part).map(|column| column.id).collect()
    }

    pub fn schema_changes(&self) -> bool {
        let proposal = &self.proposal;
        self.created
            || !self.touched.is_empty()
            || !proposal.dropped().is_empty()
            || !proposal.tightened().is_empty()
            || !proposal.relaxed().is_empty()
    }
}

fn touched(proposal: &Proposal, columns: impl Fn() -> Vec<Column>) -> Vec<Column> {
    let mut touched = proposal.added();
    touched.extend(proposal.renamed().into_iter().map(|(_, after)| after));
    let retyped: Vec<i32> = proposal.retyped().iter().map(|retype| retype.id).collect();
    if !retyped.is_empty() {
        touched.extend(columns().into_iter().filter(|column| retyped.contains(&column.id)));
    }
    touched
}

/// `sales.eu.orders`
pub fn path(object: &Object) -> String {
    object.namespace.iter().map(|step| step.name.as_str()).chain([object.name.as_str()]).collect::<Vec<_>>().join(".")
}

/// Rules whose patterns are compiled.
pub struct RuleSet {
    rules: Rules,
    names: Option<Regex>,
    column_names: Option<Regex>,
    properties: Vec<(String, Regex)>,
}

impl RuleSet {
    pub fn new(index: usize, mut rules: Rules) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut compile = |field: &str, pattern: &str| {
            whole(&format!("/rules/{index}/{field}"), pattern).map_err(|found| problems.push(found)).ok()
        };
        let names = rules.names.as_deref().and_then(|pattern| compile("names", pattern));
        let column_names = rules.column_names.as_deref().and_then(|pattern| compile("column-names", pattern));
        let mut properties = Vec::new();
        for (key, pattern) in &rules.required_properties {
            let pattern = if pattern.is_empty() { "(?s).*" } else { pattern };
            let step = key.replace('~', "~0").replace('/', "~1");
            properties
                .extend(compile(&format!("required-properties/{step}"), pattern).map(|regex| (key.clone(), regex)));
        }
        for kind in rules.kinds.iter().filter(|kind| !["table", "view", "namespace"].contains(&kind.as_str())) {
            problems
                .push(problem(format!("/rules/{index}/kinds"), format!("`{kind}` is none of table, view, namespace")));
        }
        if rules.name.is_empty() {
            rules.name = format!("rules-{index}");
        }
        if problems.is_empty() { Ok(Self { rules, names, column_names, properties }) } else { Err(problems) }
    }

    pub fn review(&self, review: &Review) -> Vec<Violation> {
        if !self.covers(review) {
            return Vec::new();
        }
        let mut violations = Vec::new();
        self.compatibility(review, &mut violations);
        self.protected_columns(review, &mut violations);
        self.columns(review, &mut violations);
        self.properties(review, &mut violations);
        self.names(review, &mut violations);
        self.keep(review, &mut violations);
        violations
    }

    fn covers(&self, review: &Review) -> bool {
        let rules = &self.rules;
        let warehouse = review.subject.warehouse.as_ref().map_or("", |warehouse| &warehouse.name);
        rules.kinds.contains(&review.subject.kind)
            && fits(&rules.warehouses, warehouse)
            && (fits(&rules.objects, &review.path)
                || review.target.is_some_and(|target| fits(&rules.objects, &path(target))))
    }

    fn violation(&self, check: &str, message: String) -> Violation {
        violation(self.rules.severity, format!("{}/{check}", self.rules.name), message)
    }

    fn compatibility(&self, review: &Review, violations: &mut Vec<Violation>) {
        if !review.stays {
            return;
        }
        let mode = match &review.own_mode {
            Some(Ok(mode)) => *mode,
            Some(Err(text)) => {
                let message = format!("`{text}` is no compatibility mode: none, backward, forward or full");
                violations.push(self.violation("compatibility", message));
                Mode::Full
            }
            None => self.rules.compatibility,
        };
        for broken in mode.breaks(&review.proposal) {
            violations.push(self.violation("compatibility", broken.message).at(broken.path.join(".")));
        }
    }

    fn protected_columns(&self, review: &Review, violations: &mut Vec<Violation>) {
        let patterns = &self.rules.protected_columns;
        if patterns.is_empty() || !review.stays {
            return;
        }
        let proposal = &review.proposal;
        let dropped = proposal.dropped().into_iter().map(|column| (column.path, "dropped"));
        let renamed = proposal.renamed().into_iter().map(|(before, _)| (before.path, "renamed"));
        let retyped = proposal.retyped().into_iter().map(|retype| (retype.path, "retyped"));
        for (path, what) in dropped.chain(renamed).chain(retyped) {
            let path = path.join(".");
            if patterns.iter().any(|pattern| fits(pattern, &path)) {
                violations.push(
                    self.violation("protected-columns", format!("`{path}` is protected, it cannot be {what}")).at(path),
                );
            }
        }
    }

    /// Columns are judged when they come or change, so that an old table can still be written to.
    fn columns(&self, review: &Review, violations: &mut Vec<Violation>) {
        let judges_names = self.column_names.is_some() || self.rules.documented_columns;
        let parts = if judges_names { review.parts() } else { Vec::new() };
        for column in &review.touched {
            let path = column.path.join(".");
            if let Some(pattern) = &self.column_names
                && !parts.contains(&column.id)
                && let Some(step) = column.path.last().filter(|step| !pattern.is_match(step))
            {
                let message = format!(
                    "the column name `{step}` does not fit `{}`",
                    self.rules.column_names.as_deref().unwrap_or("")
                );
                violations.push(self.violation("column-names", message).at(&path));
            }
            if self.rules.documented_columns
                && !parts.contains(&column.id)
                && column.doc.as_deref().is_none_or(|doc| doc.trim().is_empty())
            {
                violations
                    .push(self.violation("documented-columns", format!("`{path}` has no documentation")).at(&path));
            }
            let allowed = &self.rules.allowed_types;
            let name = base(&column.type_text);
            if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == name) {
                let message = format!("`{path}` is of type {name}, allowed are {}", allowed.join(", "));
                violations.push(self.violation("allowed-types", message).at(&path));
            }
        }
    }

    /// Properties are judged when the object comes or when they change.
    fn properties(&self, review: &Review, violations: &mut Vec<Violation>) {
        let changes = if self.properties.is_empty() { Vec::new() } else { review.proposal.properties() };
        for (key, pattern) in &self.properties {
            let changed = changes.iter().find(|change| change.key == *key);
            if !review.created && changed.is_none() {
                continue;
            }
            let value = match (changed, &review.after) {
                (Some(change), _) => change.after.clone(),
                (None, Some(after)) => after.property(key),
                (None, None) => continue,
            };
            let message = match value {
                None => format!("the property `{key}` is required"),
                Some(value) if !pattern.is_match(&value) => {
                    format!(
                        "the property `{key}` is `{value}`, which does not fit `{}`",
                        self.rules.required_properties[key]
                    )
                }
                Some(_) => continue,
            };
            violations.push(self.violation("required-properties", message).at(key));
        }
    }

    fn names(&self, review: &Review, violations: &mut Vec<Violation>) {
        let Some(pattern) = &self.names else { return };
        let comes = review.created || review.proposal.operation().starts_with("create");
        // What comes along with its namespace keeps its name: that is judged where the rules did not hold before.
        let is_judged = |target: &&Object| {
            review.proposal.operation() != MOVE
                || target.name != review.subject.name
                || !fits(&self.rules.objects, &review.path)
        };
        let named = review.target.filter(is_judged).or(comes.then_some(review.subject));
        if let Some(object) = named.filter(|object| !pattern.is_match(&object.name)) {
            let wanted = self.rules.names.as_deref().unwrap_or("");
            violations.push(self.violation("names", format!("the name `{}` does not fit `{wanted}`", object.name)));
        }
    }

    fn keep(&self, review: &Review, violations: &mut Vec<Violation>) {
        let operation = review.proposal.operation();
        let leaves = ["drop", "rename", "move", "unregister"].iter().any(|way| operation.starts_with(way));
        if self.rules.keep && leaves {
            violations
                .push(self.violation("keep", format!("`{}` is to be kept, the change is a {operation}", review.path)));
        }
    }
}

pub fn violation(severity: Severity, rule: String, message: String) -> Violation {
    match severity {
        Severity::Warn => Violation::warn(rule, message),
        Severity::Block => Violation::block(rule, message),
    }
}

/// `decimal(10, 2)` is a `decimal`, `list<string>` a `list`.
pub fn base(type_text: &str) -> &str {
    type_text.split(['(', '<', '[']).next().unwrap_or(type_text).trim()
}
