//! `[authorization.engines.<name>]`: a query engine that is trusted to run views with their owners' rights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// A query engine that is trusted to say through which views it loads something (`referenced-by`), so that a view with an
/// owner runs with the owner's rights. It is known by a client of `[auth.issuers.<name>.engines]` under the same name, or
/// by its id.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// The property of a view that names its owner. No one but the engine may set, change or remove it.
    #[schemars(example = &"trino.run-as-owner")]
    pub owner_property: String,
    /// The issuer of owners whose name carries none, as the configuration calls it.
    #[schemars(example = &"oidc")]
    pub owner_issuer: String,
    /// The engine's own ids, beside the clients that issuers name.
    #[schemars(example = &["oidc~trino"])]
    pub callers: Vec<String>,
}

impl Engine {
    pub(super) fn problems(&self, name: &str) -> Vec<Problem> {
        let path = |field: &str| format!("authorization.engines.{name}.{field}");
        let mut problems = Vec::new();
        if self.owner_property.is_empty() {
            problems.push(Problem::at(&path("owner_property"), "nothing", "a property such as `trino.run-as-owner`"));
        }
        if self.owner_issuer.is_empty() {
            problems.push(Problem::at(&path("owner_issuer"), "nothing", "the name of an issuer such as `oidc`"));
        }
        problems
    }
}
