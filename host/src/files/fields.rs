//! The members of a JSON object, read one by one with every problem noted.

use serde_json::{Map, Value};

use super::profile::Problem;

/// What is left to read of an object that a client sent. Values are never repeated in problems: one may be a key.
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    read: Vec<&'static str>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(members: &'a Map<String, Value>) -> Self {
        Self { members, read: Vec::new(), problems: Vec::new() }
    }

    /// The member, `None` where it is absent or null.
    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.read.push(name);
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str, example: &str) -> Option<&'a str> {
        let found = self.get(name)?;
        let text = found.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.problem(name, format!("expected a text such as `{example}`"));
        }
        text
    }

    pub(super) fn required_text(&mut self, name: &'static str, example: &str) -> Option<&'a str> {
        if self.get(name).is_none() {
            self.problem(name, format!("missing, expected a text such as `{example}`"));
            return None;
        }
        self.text(name, example)
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        let found = self.get(name)?;
        if !found.is_boolean() {
            self.problem(name, "expected `true` or `false`");
        }
        found.as_bool()
    }

    /// Refuses a member that this server has no use for, unless it asks for nothing.
    pub(super) fn refuse(&mut self, name: &'static str, asks_nothing: impl Fn(&Value) -> bool, why: &str) {
        if self.get(name).is_some_and(|value| !asks_nothing(value)) {
            self.problem(name, why);
        }
    }

    pub(super) fn problem(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::at(&format!("/{}", escaped(name)), message));
    }

    /// The value that was read, or every problem; members that nobody asked for are problems.
    pub(super) fn finish<T>(mut self, what: &str, value: impl FnOnce() -> Option<T>) -> Result<T, Vec<Problem>> {
        let unknown: Vec<&String> = self.members.keys().filter(|key| !self.read.contains(&key.as_str())).collect();
        for key in unknown {
            self.problem(key, format!("unknown, {what} has {}", self.read.join(", ")));
        }
        match self.problems.is_empty() {
            true => value().ok_or_else(|| vec![Problem::at("", "incomplete")]),
            false => Err(self.problems),
        }
    }
}

/// `~` and `/` as RFC 6901 wants them.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
