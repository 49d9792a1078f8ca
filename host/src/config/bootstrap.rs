//! `[bootstrap]`: what the first start creates.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// What the first start creates, so that a client can be pointed at the catalog at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Whether a start on an empty store creates the project `default` and one local warehouse; by default only on SQLite.
    #[schemars(example = true)]
    pub enabled: Option<bool>,
    /// The name of that warehouse.
    pub warehouse: String,
    /// The folder of that warehouse; it must lie inside one of `storage.local_roots`.
    #[schemars(with = "String")]
    pub warehouse_root: PathBuf,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { enabled: None, warehouse: "default".to_owned(), warehouse_root: PathBuf::from("./weir-data/warehouse") }
    }
}

impl Bootstrap {
    pub(super) fn problems(&self) -> Option<Problem> {
        let bad = self.warehouse.is_empty() || self.warehouse.contains('/');
        bad.then(|| Problem::at("bootstrap.warehouse", format!("{:?}", self.warehouse), "a name without `/`"))
    }
}
