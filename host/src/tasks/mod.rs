//! Background work: claimed in the database, so that each piece is done by one of many replicas, at least once.

pub mod audit;
mod expiration;
mod housekeeping;
pub mod login;
pub mod losses;
mod metadata_files;
pub mod order;
mod orphans;
pub mod project_cleanup;
mod purge;
pub mod queue;
pub mod reconcile;
pub mod relay;
mod restore;
mod worker;

pub use housekeeping::schedule_next;
pub use worker::{run, run_due_now};

use crate::error::Error;
use crate::files::FileError;

/// Why a piece of work could not be done.
#[derive(Debug)]
enum Trouble {
    /// It may work later; it is tried again.
    Later(Error),
    /// It must not be done, now or ever.
    Never(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Later(error)
    }
}

impl From<FileError> for Trouble {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Outside { .. } => Self::Never(error.to_string()),
            later => Self::Later(later.into()),
        }
    }
}
