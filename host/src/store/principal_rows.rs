//! Those who ask, as plain rows: users with their roles.

use crate::catalog::ids::{ProjectId, RoleId};

/// Whether a human is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    Human,
    Application,
}

impl UserKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Application => "application",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        if text == "application" { Self::Application } else { Self::Human }
    }
}

/// Who told of a user last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdatedWith {
    /// Somebody by the management API.
    Creation,
    Update,
    /// The user's own token, at first sight.
    Token,
}

impl UpdatedWith {
    /// As Lakekeeper's API says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "create-endpoint",
            Self::Update => "update-endpoint",
            Self::Token => "config-call-creation",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "create-endpoint" => Self::Creation,
            "update-endpoint" => Self::Update,
            _ => Self::Token,
        }
    }
}

/// Somebody who was seen, or whom somebody told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    pub kind: UserKind,
    pub updated_with: UpdatedWith,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
}

/// A role of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub id: RoleId,
    pub project_id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub provider_id: String,
    pub source_id: String,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
}

impl Role {
    /// The stable name by which others refer to it.
    pub fn ident(&self) -> String {
        format!("{}/{}", self.provider_id, self.source_id)
    }
}

/// Somebody in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    User(User),
    Role(Role),
}

impl Member {
    /// What a listing is ordered by: users before roles, each by id.
    pub fn key(&self) -> String {
        match self {
            Self::User(user) => format!("u{}", user.id),
            Self::Role(role) => format!("v{}", role.id),
        }
    }
}
