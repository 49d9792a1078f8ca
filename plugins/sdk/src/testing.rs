//! What the unit tests of a plugin need, made by hand: plain `cargo test`, no sandbox.

use std::collections::BTreeMap;

use crate::{Call, Check, Column, Object, Parent, Plugin, Principal, Problem, PropertyChange, Proposal, Retype};

/// Configures a plugin from settings in JSON, as the host would.
pub fn configure<P: Plugin>(settings: &serde_json::Value) -> Result<P, Vec<Problem>> {
    P::configure(crate::glue::parse(&settings.to_string())?)
}

/// A call by a user with roles.
pub fn call(user: &str, roles: &[&str]) -> Call {
    let roles = roles.iter().map(ToString::to_string).collect();
    let principal = Principal { id: user.to_string(), kind: "user".to_string(), roles, claims: Vec::new() };
    Call { request_id: "test".to_string(), principal, now_ms: 1_700_000_000_000, deadline_ms: 1_000 }
}

/// An object by its kind, its path in the warehouse `lake` (`sales.orders`); ids are the kind and the path.
pub fn object(kind: &str, path: &str) -> Object {
    let parent = |id: &str, name: &str| Parent { id: id.to_string(), name: name.to_string() };
    let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
    let (name, above) = steps.split_last().map_or(("", &[][..]), |(name, above)| (*name, above));
    let namespace =
        (1..=above.len()).map(|depth| parent(&format!("namespace:{}", above[..depth].join(".")), above[depth - 1]));
    Object {
        kind: kind.to_string(),
        id: format!("{kind}:{path}"),
        project: parent("project:default", "default"),
        warehouse: (kind != "project" && kind != "server").then(|| parent("warehouse:lake", "lake")),
        namespace: namespace.collect(),
        name: name.to_string(),
        attributes: Vec::new(),
    }
}

pub fn check(action: &str, object: Object) -> Check {
    Check { action: action.to_string(), object }
}

/// A change made by hand.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub operation: String,
    pub before: Option<Document>,
    pub after: Option<Document>,
    pub updates: Vec<String>,
    pub refs: Vec<String>,
    pub added: Vec<Column>,
    pub dropped: Vec<Column>,
    pub renamed: Vec<(Column, Column)>,
    pub retyped: Vec<Retype>,
    pub relaxed: Vec<Column>,
    pub tightened: Vec<Column>,
    pub properties: Vec<PropertyChange>,
    pub snapshot_summary: BTreeMap<String, String>,
}

impl Change {
    pub fn proposal(&self) -> Proposal<'_> {
        Proposal::Test(self)
    }
}

/// Metadata made by hand.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub uuid: String,
    pub location: String,
    pub format_version: u32,
    pub columns: Vec<Column>,
    pub properties: BTreeMap<String, String>,
}

/// A top-level or nested (`address.street`) optional column without documentation.
pub fn column(id: i32, path: &str, type_text: &str) -> Column {
    let path = path.split('.').map(ToString::to_string).collect();
    Column { id, path, type_text: type_text.to_string(), required: false, doc: None, default: None }
}
