//! `[auth.local]`: tokens that this catalog issues itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Tokens that this catalog issues itself, by `weir token` and, where it is on, by its token endpoint.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocalIssuer {
    /// The file with the private key (Ed25519, PEM). `weir token` makes it where it is missing, readable by its owner alone.
    #[schemars(with = "String")]
    pub key_file: PathBuf,
    /// The `iss` and the `aud` of the tokens.
    pub issuer: String,
    /// How long a token lives unless less is asked for, in seconds.
    #[schemars(range(min = 60, max = 86_400))]
    pub lifetime_s: u32,
    /// Whether `POST /catalog/v1/oauth/tokens` serves the clients below. The Iceberg specification deprecates this
    /// endpoint: prefer an issuer of its own.
    pub token_endpoint: bool,
    /// Clients that may ask there, by their id.
    pub clients: BTreeMap<String, LocalClient>,
}

/// A client of the token endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocalClient {
    /// The sha256 of its secret in lower-case hexadecimal; `weir token --new-client` makes both. The secret has to be
    /// random, not thought up.
    #[schemars(example = &"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub secret_sha256: String,
    /// The roles that its tokens name.
    pub roles: Vec<String>,
}

impl Default for LocalIssuer {
    fn default() -> Self {
        Self {
            key_file: PathBuf::from("./weir-data/token-key.pem"),
            issuer: "weir".to_owned(),
            lifetime_s: 3_600,
            token_endpoint: false,
            clients: BTreeMap::new(),
        }
    }
}

impl LocalIssuer {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.issuer.is_empty() {
            problems.push(Problem::at("auth.local.issuer", "nothing", "a name such as `weir`"));
        }
        for (id, client) in &self.clients {
            let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if client.secret_sha256.len() != 64 || !is_hex(&client.secret_sha256) {
                // What was found is not shown: somebody may have written the secret itself.
                let path = format!("auth.local.clients.{id}.secret_sha256");
                problems.push(Problem::at(&path, "something else", "64 lower-case hexadecimal digits"));
            }
        }
        problems
    }
}
