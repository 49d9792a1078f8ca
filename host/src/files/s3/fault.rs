//! What a storage answered, in words of this room.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::super::error::FileError;
use crate::catalog::location::Location;
use crate::reach::AddressRefused;

/// An answer that is not a success, or none.
///
/// Bodies of errors are not shown: some storages repeat the request there, with what it was signed by.
#[derive(Debug)]
pub(super) struct Fault {
    status: Option<u16>,
    code: Option<String>,
    text: String,
}

impl Fault {
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let code = error.code().map(str::to_owned);
        let text = match (&error, status) {
            (_, Some(status)) => {
                let code = code.as_deref().unwrap_or("no code");
                format!("it answered {status} ({})", plain(code))
            }
            (SdkError::TimeoutError(_), _) => "it did not answer in time".to_owned(),
            (SdkError::DispatchFailure(_), _) => {
                refused_address(&error).unwrap_or_else(|| "it cannot be reached".to_owned())
            }
            (SdkError::ConstructionFailure(_), _) => "the request cannot be made".to_owned(),
            _ => "its answer cannot be read".to_owned(),
        };
        Self { status, code, text }
    }

    /// Whether the storage said more than a status.
    pub(super) fn has_code(&self) -> bool {
        self.code.is_some() || self.status.is_none()
    }

    pub(super) fn is_missing(&self) -> bool {
        self.status == Some(404) && self.code.as_deref() != Some("NoSuchBucket")
    }

    /// Something is there already, or comes to be there right now.
    pub(super) fn is_precondition(&self) -> bool {
        self.status == Some(412) || self.code.as_deref() == Some("ConditionalRequestConflict")
    }

    /// The storage does not know what was asked of it.
    pub(super) fn is_not_implemented(&self) -> bool {
        matches!(self.status, Some(405 | 501)) || self.code.as_deref() == Some("NotImplemented")
    }

    /// The storage knows what was asked of it, but wants it said in another way.
    pub(super) fn is_bad_request(&self) -> bool {
        self.status == Some(400)
    }

    pub(super) fn on(self, location: &Location) -> FileError {
        match self.status {
            _ if self.is_missing() => FileError::Missing(location.clone()),
            _ if self.is_precondition() => FileError::Exists(location.clone()),
            // Busy storages say so with a 4xx, too.
            Some(408 | 429) => FileError::failed(location, io::Error::other(self.text)),
            Some(400..=499) => FileError::Refused { location: location.clone(), reason: self.text },
            _ => FileError::failed(location, io::Error::other(self.text)),
        }
    }
}

fn refused_address(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(each) = cause {
        if let Some(refused) = each.downcast_ref::<AddressRefused>() {
            return Some(format!("it cannot be reached: {}", address_words(refused)));
        }
        cause = each.source();
    }
    None
}

pub(super) fn address_words(refused: &AddressRefused) -> &'static str {
    match refused {
        AddressRefused::Never => "its address is link-local or a metadata service",
        AddressRefused::Private => "its address is private, and `[storage.s3] endpoints` does not name it",
    }
}

/// A code is a word; what is none came from somewhere else.
fn plain(code: &str) -> &str {
    let is_word = code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    if is_word { code } else { "an unusual code" }
}

pub(super) fn timed_out() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "it did not send everything in time")
}

pub(super) fn endless() -> io::Error {
    io::Error::other("its listing does not end")
}

pub(super) fn short(claimed: u64, found: usize) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, format!("it sent {found} bytes of {claimed}"))
}

/// A body that broke off, or is not what its checksum says.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> io::Error {
    let mut cause = Some(error);
    while let Some(each) = cause {
        if each.to_string().contains("checksum") {
            return io::Error::other("it sent bytes that do not match their checksum");
        }
        cause = each.source();
    }
    io::Error::new(ErrorKind::UnexpectedEof, "its answer broke off")
}

pub(super) fn not_kept() -> io::Error {
    io::Error::other("it said that it wrote a file, but does not have its bytes")
}

pub(super) fn kept(code: &str) -> io::Error {
    io::Error::other(format!("it did not delete a file ({})", plain(code)))
}
