//! `[auth]`: who is calling.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problem, Server};

/// Who is calling.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Who may call without credentials: whoever reaches a loopback address (`loopback`), everybody who reaches the
    /// server (`anywhere`), or nobody (`never`).
    pub anonymous: Anonymous,
}

/// Who may call without credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Anonymous {
    #[default]
    Loopback,
    Anywhere,
    Never,
}

impl Auth {
    /// An open catalog must not reach a network by accident: whoever could call it could drop every table.
    pub(super) fn problems(&self, server: &Server) -> Option<Problem> {
        if self.anonymous != Anonymous::Loopback || server.listen.ip().is_loopback() {
            return None;
        }
        Some(Problem::at(
            "server.listen",
            format!("`{}`, which other machines reach, while nobody has to say who they are", server.listen),
            "a loopback address, or `auth.anonymous = \"anywhere\"` to let everybody in who reaches it",
        ))
    }
}
