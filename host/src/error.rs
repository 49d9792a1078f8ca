//! The one error of the catalog, in the vocabulary of the Iceberg REST spec.
//!
//! A message says what was asked, what was found, what to do next. Status codes live in `api/respond.rs`.

use std::fmt::Display;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong for a caller; the variant is the `type` of the answer, the text its `message`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    BadRequest(String),
    /// No or bad credentials while authentication is on.
    #[error("{0}")]
    NotAuthorized(String),
    /// Visible, but not allowed.
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NoSuchWarehouse(String),
    #[error("{0}")]
    NoSuchNamespace(String),
    #[error("{0}")]
    NoSuchTable(String),
    #[error("{0}")]
    NoSuchView(String),
    /// A resource of the management API (project, task, user …) that is not there.
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    AlreadyExists(String),
    #[error("{0}")]
    NamespaceNotEmpty(String),
    /// Something that must not change or go now, e.g. it is protected or still in use.
    #[error("{0}")]
    Conflict(String),
    /// Bootstrapping is possible once; clients of the management API know this refusal by its own type.
    #[error("{0}")]
    AlreadyBootstrapped(String),
    /// A requirement failed or a race was lost; reload and retry.
    #[error("{0}")]
    CommitFailed(String),
    /// The one 500 of a commit: nobody knows whether it happened.
    #[error("{0}")]
    CommitStateUnknown(String),
    /// A data contract forbids the change; every violation is told.
    #[error("{0}")]
    ContractViolation(String),
    #[error("{0}")]
    UnprocessableEntity(String),
    /// An operation of the spec that this server does not offer (406).
    #[error("{0}")]
    Unsupported(String),
    /// A body in an encoding that is not read (415).
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("{0}")]
    PayloadTooLarge(String),
    #[error("{0}")]
    RequestTimeout(String),
    /// Cannot answer now; `retry_after_s` is told to the client. On commits it is answered as 429.
    #[error("{message}")]
    Unavailable { message: String, retry_after_s: u32 },
    /// A bug or a broken dependency. The caller sees a plain 500 with the request id, the log the whole chain.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    pub fn bad_request(message: impl Display) -> Self {
        Self::BadRequest(message.to_string())
    }

    pub fn commit_failed(message: impl Display) -> Self {
        Self::CommitFailed(message.to_string())
    }

    pub fn unavailable(message: impl Display) -> Self {
        Self::Unavailable { message: message.to_string(), retry_after_s: 1 }
    }

    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(source.into())
    }
}
