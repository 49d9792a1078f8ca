//! What can go wrong with a file.

use std::io;

use crate::catalog::location::Location;
use crate::error::Error;

/// Each case means something else to the caller, so nobody has to look into an I/O error.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("there is no file at `{0}`")]
    Missing(Location),
    /// Something is there already; files are never overwritten.
    #[error("there is already something at `{0}`, files are never overwritten")]
    Exists(Location),
    #[error("the file at `{location}` has more than the {bytes_max} bytes that are allowed")]
    TooLarge { location: Location, bytes_max: u64 },
    /// Not a place that this server may touch.
    #[error("`{location}` is not a place that this server may use: {reason}")]
    Outside { location: Location, reason: String },
    /// There, but not what its name promises.
    #[error("the file at `{location}` is damaged: {reason}")]
    Corrupt { location: Location, reason: String },
    /// The storage answers, but not this server: its key is wrong, or may not do that.
    #[error("the storage refuses this server at `{location}`: {reason}")]
    Refused { location: Location, reason: String },
    /// Something that a warehouse has to be able to do there.
    #[error("files cannot be {what} there: {source}")]
    Unusable { what: &'static str, source: Box<FileError> },
    /// The storage itself failed; nothing is known to have been written.
    #[error("the storage at `{location}` failed: {source}")]
    Failed { location: Location, source: io::Error },
    /// A configured root that cannot be used; only at start.
    #[error("the local root `{path}` cannot be used: {source}; create it or correct `storage.local_roots`")]
    Root { path: String, source: io::Error },
}

impl FileError {
    pub(super) fn failed(location: &Location, source: io::Error) -> Self {
        Self::Failed { location: location.clone(), source }
    }

    /// Says at which of the things that a warehouse needs it went wrong.
    pub(super) fn during(self, what: &'static str) -> Self {
        Self::Unusable { what, source: Box::new(self) }
    }
}

/// For requests that name a file: what they named is wrong, or the storage cannot answer now.
///
/// A storage that fails is never a 500: on a commit that would mean an unknown outcome, but without its file nothing was
/// committed.
impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Missing(_)
            | FileError::TooLarge { .. }
            | FileError::Outside { .. }
            | FileError::Corrupt { .. } => Self::BadRequest(error.to_string()),
            FileError::Exists(_) => Self::CommitFailed(error.to_string()),
            FileError::Failed { ref source, .. } => {
                tracing::error!(error = source as &dyn std::error::Error, "{error}");
                Self::unavailable(format!("{error}; nothing was changed, retry later"))
            }
            FileError::Refused { .. } => {
                tracing::error!("{error}");
                Self::unavailable(format!(
                    "{error}; nothing was changed: its operator has to set the warehouse's credential"
                ))
            }
            // Whoever chose the storage is told that it does not work.
            FileError::Unusable { .. } => Self::BadRequest(error.to_string()),
            FileError::Root { .. } => Self::internal(error),
        }
    }
}
