//! `[events.nats]`: the stream of NATS JetStream that keeps events.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, SecretUrl};

/// NATS JetStream. An event is one message, under the subject `<subject>.<kind without weir.>`, such as
/// `weir.events.table.committed`; it counts as delivered once the stream has acknowledged it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Nats {
    /// The server, or several with commas in between; `tls://` for an encrypted connection.
    #[schemars(example = &"nats://nats.internal:4222")]
    pub url: SecretUrl,
    /// A file of credentials, as `nsc` writes it (JWT with its key).
    #[schemars(with = "Option<String>", example = &"/etc/weir/nats.creds")]
    pub credentials_file: Option<PathBuf>,
    /// A file of certificates (PEM) that are trusted beside those of the system.
    #[schemars(with = "Option<String>", example = &"/etc/weir/nats-ca.pem")]
    pub ca_file: Option<PathBuf>,
    /// What the subjects of all messages begin with.
    pub subject: String,
    /// The stream that is made where `create_stream` asks for it.
    pub stream: String,
    /// Whether the stream is made, for all subjects of this catalog, where the server has none of its name.
    pub create_stream: bool,
    /// What the kinds of events begin with that are sent, such as `weir.table.`; all where it is empty.
    #[schemars(example = &["weir.table."])]
    pub kinds: Vec<String>,
    /// How long the stream may take to acknowledge, in milliseconds.
    #[schemars(range(min = 10, max = 60_000))]
    pub timeout_ms: u64,
}

impl Default for Nats {
    fn default() -> Self {
        Self {
            url: SecretUrl::new(""),
            credentials_file: None,
            ca_file: None,
            subject: "weir.events".to_owned(),
            stream: "weir".to_owned(),
            create_stream: true,
            kinds: Vec::new(),
            timeout_ms: 5_000,
        }
    }
}

impl Nats {
    pub(super) fn problems(&self) -> Vec<Problem> {
        if !cfg!(feature = "nats") {
            let expected = "no such section: this build leaves the client out (cargo feature `nats`)";
            return vec![Problem::at("events.nats", "a server", expected)];
        }
        let mut problems = Vec::new();
        let is_server = |url: &str| ["nats://", "tls://"].iter().any(|scheme| url.trim().starts_with(scheme));
        if !self.url.expose().split(',').all(is_server) {
            // It is not shown: a password may be part of it.
            problems.push(Problem::at("events.nats.url", "something else (not shown)", "`nats://…` or `tls://…`"));
        }
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !self.subject.split('.').all(is_word) {
            let expected = "words of letters, digits, `-`, `_`, with dots in between";
            problems.push(Problem::at("events.nats.subject", format!("`{}`", self.subject), expected));
        }
        if !is_word(&self.stream) {
            let expected = "one word of letters, digits, `-`, `_`";
            problems.push(Problem::at("events.nats.stream", format!("`{}`", self.stream), expected));
        }
        problems
    }

    /// Whether events of this kind are sent.
    pub fn wants(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|begin| kind.starts_with(begin.as_str()))
    }
}
