//! The settings of the plugin.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The table property that names the table's own compatibility mode.
    pub mode_property: String,
    /// Sets of rules; every set that covers an object applies to it.
    pub rules: Vec<Rules>,
    /// Documents of the Open Data Contract Standard (version 3).
    pub contracts: Vec<Bound>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode_property: "contract.compatibility".to_string(), rules: Vec::new(), contracts: Vec::new() }
    }
}

/// What holds for the objects that it covers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// Begins the name of each violation: `sales/names`.
    pub name: String,
    /// Paths in the warehouse, `*` standing for anything: `sales.*`.
    pub objects: String,
    /// `table`, `view`, `namespace`.
    pub kinds: Vec<String>,
    /// Names of warehouses, `*` standing for anything.
    pub warehouses: String,
    /// The mode where the table names none.
    pub compatibility: Mode,
    /// Columns that stay as they are: not dropped, renamed or retyped. `*` stands for anything.
    pub protected_columns: Vec<String>,
    /// Properties that must be there, with the pattern that the whole value fits; an empty pattern accepts any.
    pub required_properties: BTreeMap<String, String>,
    /// The pattern that the whole name of an object fits.
    pub names: Option<String>,
    /// The pattern that each step of a column's path fits.
    pub column_names: Option<String>,
    /// Each column has a documentation.
    pub documented_columns: bool,
    /// The types that columns may have, without their parameters: `long`, `decimal`, `timestamptz`.
    pub allowed_types: Vec<String>,
    /// Neither dropped, unregistered, renamed nor moved with its namespace.
    pub keep: bool,
    /// Whether a violation stops the change.
    pub severity: Severity,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            name: String::new(),
            objects: "*".to_string(),
            kinds: vec!["table".to_string()],
            warehouses: "*".to_string(),
            compatibility: Mode::None,
            protected_columns: Vec::new(),
            required_properties: BTreeMap::new(),
            names: None,
            column_names: None,
            documented_columns: false,
            allowed_types: Vec::new(),
            keep: false,
            severity: Severity::Block,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Any change.
    None,
    /// Who knows the new schema can read what was written before.
    Backward,
    /// Who knows the old schema can read what is written from now on.
    Forward,
    /// Both.
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Warn,
    Block,
}

/// A document with the tables that it is about.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bound {
    /// Paths in the warehouse, `*` standing for anything. Each schema object of the document is about the tables among
    /// these that have its physical name (or its name).
    #[serde(default = "everything")]
    pub objects: String,
    /// Columns that the document does not know are violations, too.
    #[serde(default)]
    pub closed: bool,
    #[serde(default = "block")]
    pub severity: Severity,
    /// The document itself, as JSON.
    pub document: crate::odcs::Document,
}

fn everything() -> String {
    "*".to_string()
}

fn block() -> Severity {
    Severity::Block
}
