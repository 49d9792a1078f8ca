//! The settings of the plugin.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::Effect;

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Policies in Cedar's language. `@id("name")` names one in the decision log, `@reason("…")` explains a forbid to
    /// whom it stops.
    pub policies: String,
    /// A schema in Cedar's language that the policies are checked against; `weir` means the one that comes with the plugin.
    pub schema: Option<String>,
    /// Ids of principals that are allowed everything, whatever the policies say.
    pub administrators: Vec<String>,
    /// Roles whose members are allowed everything, whatever the policies say.
    pub administrator_roles: Vec<String>,
    /// The answer where no policy applies.
    pub otherwise: Otherwise,
    /// Questions with the answers that they must get: settings that answer otherwise are refused.
    pub tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// Leaves it to other authorizers; where none allows, the caller is denied.
    #[default]
    Abstain,
    /// Denies, whatever other authorizers say.
    Deny,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Test {
    /// The id of the principal.
    pub principal: String,
    #[serde(default)]
    pub roles: Vec<String>,
    /// Such as `table:read`.
    pub action: String,
    /// The path of the object in the warehouse, such as `sales.orders`; empty for the warehouse itself.
    #[serde(default)]
    pub path: String,
    /// The name, and id, of the warehouse.
    #[serde(default)]
    pub warehouse: String,
    /// What its properties are.
    #[serde(default)]
    pub properties: std::collections::BTreeMap<String, String>,
    pub expect: Expect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    Allow,
    Deny,
    Abstain,
}

impl From<Expect> for Effect {
    fn from(expect: Expect) -> Self {
        match expect {
            Expect::Allow => Self::Allow,
            Expect::Deny => Self::Deny,
            Expect::Abstain => Self::Abstain,
        }
    }
}
