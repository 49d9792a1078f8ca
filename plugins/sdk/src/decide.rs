//! Authorizers: who may do what.

use crate::{Attribute, Batch, Call, Check, Effect, Fault, FaultDetail, Object, Place, Plan, Plugin, Value, Verdict};

/// Decides. What it cannot judge it abstains from: another plugin of the chain may know, and where none does, nobody passes.
pub trait Authorizer: Plugin {
    /// Decides one check. An error stops the request (503), it never lets anybody through.
    fn decide(&self, call: &Call, check: &Check) -> Result<Verdict, Fault>;

    /// Decides the checks of one request, an answer for each, in their order.
    fn authorize(&self, call: &Call, checks: &[Check]) -> Result<Vec<Verdict>, Fault> {
        checks.iter().map(|check| self.decide(call, check)).collect()
    }

    /// Decides one action for the many objects of a listing. Override it where decisions share work.
    fn authorize_many(&self, call: &Call, batch: &Batch) -> Result<Vec<Effect>, Fault> {
        (0..batch.ids.len()).map(|item| Ok(self.decide(call, &batch.check(item)?)?.effect)).collect()
    }
}

/// Says before a listing is read which part of it the caller may see: an optional ability.
pub trait Planner: Authorizer {
    fn plan_list(&self, call: &Call, listing: &Listing) -> Result<Plan, Fault>;
}

/// A listing that is about to be read: objects of a kind that lie directly in a place, asked for `action`.
#[derive(Debug, Clone)]
pub struct Listing {
    pub action: String,
    pub kind: String,
    pub within: Place,
}

impl Verdict {
    /// Lets the caller through, unless another plugin denies.
    pub fn allow() -> Self {
        Self { effect: Effect::Allow, rule: None, reason: None }
    }

    /// Stops the caller, whatever others say. The reason is shown to callers that may see the object.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self { effect: Effect::Deny, rule: None, reason: Some(reason.into()) }
    }

    /// Leaves the decision to others; where nobody allows, the caller is denied.
    pub fn abstain() -> Self {
        Self { effect: Effect::Abstain, rule: None, reason: None }
    }

    /// Names the rule that decided, for the decision log.
    pub fn by(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }
}

impl Fault {
    /// What was asked makes no sense to the plugin.
    pub fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::InvalidInput(FaultDetail { code: code.into(), message: message.into(), retry_after_ms: None })
    }

    /// Something that the plugin needs does not answer; the client may try again.
    pub fn unavailable(code: impl Into<String>, message: impl Into<String>, retry_after_ms: u32) -> Self {
        Self::Unavailable(FaultDetail {
            code: code.into(),
            message: message.into(),
            retry_after_ms: Some(retry_after_ms),
        })
    }

    /// The plugin itself failed.
    pub fn internal(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Internal(FaultDetail { code: code.into(), message: message.into(), retry_after_ms: None })
    }
}

impl Batch {
    /// One item of the batch as a check of its own; a batch whose columns have different lengths is a fault.
    pub fn check(&self, item: usize) -> Result<Check, Fault> {
        let uneven =
            || Fault::invalid("uneven_batch", format!("item {item} of {} has no value in a column", self.ids.len()));
        let namespace = *self.namespace_of.get(item).ok_or_else(uneven)? as usize;
        let mut attributes = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let value = column.values.get(item).ok_or_else(uneven)?.clone();
            attributes.push(Attribute { key: column.key.clone(), value });
        }
        let object = Object {
            kind: self.kind.clone(),
            id: self.ids.get(item).ok_or_else(uneven)?.clone(),
            project: self.project.clone(),
            warehouse: self.warehouse.clone(),
            namespace: self.namespaces.get(namespace).ok_or_else(uneven)?.clone(),
            name: self.names.get(item).ok_or_else(uneven)?.clone(),
            attributes,
        };
        Ok(Check { action: self.action.clone(), object })
    }
}

/// The value of an attribute, of the last one where a key comes twice.
pub fn attribute<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a Value> {
    attributes.iter().rev().find(|attribute| attribute.key == key).map(|attribute| &attribute.value)
}

/// The value of an attribute that is a text.
pub fn text<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a String> {
    match attribute(attributes, key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
