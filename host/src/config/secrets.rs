//! `[secrets]`: how the keys of storages are kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, Secret, Vault};

/// How the keys of storages are kept: encrypted in the database, or in a store of secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// What they are encrypted with: a random text of at least 32 characters, e.g. of `openssl rand -base64 32`, the same
    /// on every replica. Without it an embedded catalog makes itself a key file beside its database (`weir.key`, to be
    /// backed up together with it), and a catalog on Postgres refuses storage credentials. Secret.
    pub key: Option<Secret>,
    /// Another key that secrets may still be, or already be, encrypted with. To change the key: start all replicas with
    /// the new one here, then with the two exchanged, run `weir secrets rotate`, remove the old one. Secret.
    pub previous_key: Option<Secret>,
    /// A store of secrets, where they lie then. What the database has is still opened; `weir secrets rotate` moves it there.
    pub vault: Option<Vault>,
}

const CHARACTERS_MIN: usize = 32;

impl Secrets {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, key) in [("secrets.key", &self.key), ("secrets.previous_key", &self.previous_key)] {
            let length = key.as_ref().map(|key| key.expose().trim().chars().count());
            if let Some(length) = length.filter(|length| *length < CHARACTERS_MIN) {
                let found = format!("a key of {length} characters");
                problems.push(Problem::at(path, found, "at least 32 random ones, e.g. of `openssl rand -base64 32`"));
            }
        }
        if self.key.is_none() && self.previous_key.is_some() {
            problems.push(Problem::at("secrets.previous_key", "a key", "one only beside `secrets.key`"));
        }
        problems.extend(self.vault.iter().flat_map(Vault::problems));
        problems
    }
}
