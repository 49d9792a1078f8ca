//! What policies look at: what none of them looks at changes no answer, so it need not be told.

use std::collections::BTreeSet;

use cedar_policy::{Policy, ResourceConstraint};
use serde_json::Value;

use crate::entities::{ROLE, is_fact, type_of};

/// Taken from the words of the policies' conditions. A word that means something else there is taken for a name, which
/// costs time, never an answer.
#[derive(Debug, Default)]
pub struct Reads {
    words: BTreeSet<String>,
    /// Types of which a certain entity is named.
    named_types: BTreeSet<String>,
    /// Whether one asks what an object lies in.
    place: bool,
    /// Whether one takes the context as a whole, with everything in it.
    whole_context: bool,
}

impl Reads {
    /// What a policy looks at beyond the principal and the action of its scope; `None` where it cannot be said in JSON.
    pub fn of(policy: &Policy) -> Option<Self> {
        let mut reads = Self::default();
        match policy.resource_constraint() {
            // A policy about one object is only asked about that one.
            ResourceConstraint::Any | ResourceConstraint::Is(_) | ResourceConstraint::Eq(_) => {}
            // An object lies in itself, too.
            ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => {
                reads.place = true;
                reads.named_types.insert(uid.type_name().to_string());
            }
        }
        if policy.has_non_scope_constraint() {
            reads.add(policy.to_json().ok()?.get("conditions")?);
        }
        Some(reads)
    }

    pub fn extend(&mut self, other: &Self) {
        self.words.extend(other.words.iter().cloned());
        self.named_types.extend(other.named_types.iter().cloned());
        self.place |= other.place;
        self.whole_context |= other.whole_context;
    }

    pub fn attribute(&self, name: &str) -> bool {
        self.words.contains(name)
    }

    pub fn tags(&self) -> bool {
        self.attribute("hasTag") || self.attribute("getTag")
    }

    /// Whether one looks at what is told with some questions only.
    pub fn facts(&self) -> bool {
        self.tags() || self.words.iter().any(|word| is_fact(word))
    }

    pub fn place(&self) -> bool {
        self.place || self.attribute("in")
    }

    /// Whether the answer may change as time goes by.
    pub fn clock(&self) -> bool {
        self.whole_context || self.attribute("now_ms")
    }

    /// Whether one could look at another object of this kind than the one that is asked about: it names one, or the
    /// principal may be one.
    pub fn looks_beyond(&self, kind: &str) -> bool {
        matches!(kind, ROLE | "user") || type_of(kind).is_none_or(|type_name| self.named_types.contains(type_name))
    }

    /// Whether the answer may differ between two objects of this kind that differ in nothing but id and name.
    pub fn tells_apart(&self, kind: &str) -> bool {
        // The attribute of a warehouse, or of a project, that is called like its kind is its own name.
        self.attribute("name") || self.attribute("path") || self.attribute(kind) || self.looks_beyond(kind)
    }

    fn add(&mut self, text: &Value) {
        match text {
            Value::String(word) => _ = self.words.insert(word.clone()),
            Value::Array(parts) => parts.iter().for_each(|part| self.add(part)),
            Value::Object(members) => {
                let is_context = |part: &Value| part.get("Var").is_some_and(|name| name == "context");
                for (name, part) in members {
                    self.words.insert(name.clone());
                    if matches!(name.as_str(), "." | "has") && part.get("left").is_some_and(is_context) {
                        part.get("attr").into_iter().for_each(|attribute| self.add(attribute));
                        continue;
                    }
                    self.whole_context |= name == "Var" && part == "context";
                    if let (true, Some(type_name)) = (name == "__entity", part.get("type").and_then(Value::as_str)) {
                        self.named_types.insert(type_name.to_string());
                    }
                    self.add(part);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
