//! One question to an authorizer, as an author writes it down.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::plugin::{Attribute, Call, Check, Object, Parent, Principal, Value};

/// Who asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Who {
    pub id: String,
    pub kind: String,
    pub roles: Vec<String>,
    pub claims: BTreeMap<String, Json>,
}

impl Default for Who {
    fn default() -> Self {
        Self { id: "anonymous".into(), kind: "user".into(), roles: Vec::new(), claims: BTreeMap::new() }
    }
}

/// Where an object lies. Names stand for ids: questions are written before there are any.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub kind: &'a str,
    pub project: &'a str,
    pub warehouse: &'a str,
    /// `sales.orders`; empty for the warehouse itself.
    pub path: &'a str,
    pub attributes: &'a BTreeMap<String, Json>,
}

impl Who {
    pub fn call(&self, now_ms: u64) -> Result<Call, String> {
        let principal = Principal {
            id: self.id.clone(),
            kind: self.kind.clone(),
            roles: self.roles.clone(),
            claims: attributes(&self.claims)?,
        };
        Ok(Call { request_id: "weir-plugin".into(), principal, now_ms, deadline_ms: 0 })
    }
}

impl Place<'_> {
    pub fn object(&self) -> Result<Object, String> {
        let parent = |name: &str| Parent { id: name.to_owned(), name: name.to_owned() };
        let steps: Vec<&str> = self.path.split('.').filter(|step| !step.is_empty()).collect();
        let (name, above) = steps.split_last().map_or(("", &[][..]), |(name, above)| (*name, above));
        let (name, id) = match self.kind {
            "server" => ("", ""),
            "project" => (self.project, self.project),
            "warehouse" => (self.warehouse, self.warehouse),
            _ => (name, self.path),
        };
        let is_inside = !matches!(self.kind, "server" | "project" | "warehouse");
        let namespace = (1..=above.len())
            .map(|depth| Parent { id: above[..depth].join("."), name: above[depth - 1].to_owned() })
            .collect();
        Ok(Object {
            kind: self.kind.to_owned(),
            id: id.to_owned(),
            project: parent(if matches!(self.kind, "server" | "project") { "" } else { self.project }),
            warehouse: is_inside.then(|| parent(self.warehouse)),
            namespace: if is_inside { namespace } else { Vec::new() },
            name: name.to_owned(),
            attributes: attributes(self.attributes)?,
        })
    }

    pub fn check(&self, action: &str) -> Result<Check, String> {
        Ok(Check { action: action.to_owned(), object: self.object()? })
    }
}

/// The kind of object that an action is about: `table` of `table:read`.
pub(super) fn kind_of(action: &str) -> &str {
    action.split_once(':').map_or("table", |(kind, _)| kind)
}

fn attributes(given: &BTreeMap<String, Json>) -> Result<Vec<Attribute>, String> {
    given.iter().map(|(key, value)| Ok(Attribute { key: key.clone(), value: attribute(key, value)? })).collect()
}

fn attribute(key: &str, value: &Json) -> Result<Value, String> {
    let unfit = || format!("`{key}`: {value} is no attribute; a text, an integer, a boolean or a list of texts is");
    match value {
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Bool(value) => Ok(Value::Boolean(*value)),
        Json::Number(number) => number.as_i64().map(Value::Integer).ok_or_else(unfit),
        Json::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Value::Texts).ok_or_else(unfit)
        }
        Json::Null | Json::Object(_) => Err(unfit()),
    }
}
