//! `[storage]`: where tables may lie.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Where tables may lie.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The folders that local warehouses (`file://`) may lie in; a warehouse elsewhere is refused. Empty allows none.
    #[schemars(with = "Vec<String>", example = &["/srv/lake"])]
    pub local_roots: Vec<PathBuf>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { local_roots: vec![PathBuf::from("./weir-data")] }
    }
}

impl Storage {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let empty = self.local_roots.iter().filter(|root| root.as_os_str().is_empty());
        empty.map(|_| Problem::at("storage.local_roots", "an empty path", "paths of folders")).collect()
    }
}
