//! A metadata document on its way into the catalog: a file in storage, a document in the store.

use bytes::Bytes;
use futures_util::future::join_all;

use crate::app::App;
use crate::catalog::document::Packed;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::files::Files;
use crate::store::rows::Document;

/// One version of a table's or a view's metadata.
pub struct Written {
    pub metadata_location: Location,
    pub document: Document,
    plain: Bytes,
}

impl Written {
    /// A table's metadata for the file at `metadata_location`, serialised and compressed.
    pub fn table(metadata: &TableMetadata, metadata_location: Location) -> Result<Self, Error> {
        Self::as_read(metadata.to_bytes()?, metadata, metadata_location)
    }

    /// A file that is there already, kept byte for byte.
    pub fn as_read(plain: Vec<u8>, metadata: &TableMetadata, metadata_location: Location) -> Result<Self, Error> {
        let refs = metadata.refs_only_bytes()?.map(|refs| Packed::pack(&refs)).transpose()?;
        Self::new(plain, refs, metadata_location)
    }

    /// Any metadata JSON; `refs` is what `snapshots=refs` shows of it where that differs.
    pub fn new(plain: Vec<u8>, refs: Option<Packed>, metadata_location: Location) -> Result<Self, Error> {
        let document = Document { all: Packed::pack(&plain)?, refs };
        Ok(Self { metadata_location, document, plain: Bytes::from(plain) })
    }

    /// Writes all files at the same time; if one fails, those that were written go again.
    pub async fn write_all(files: &Files, written: &[&Self]) -> Result<(), Error> {
        let writes = written.iter().map(|one| files.write_metadata(&one.metadata_location, one.plain.clone()));
        let (mut there, mut failure) = (Vec::new(), None);
        for (one, outcome) in written.iter().zip(join_all(writes).await) {
            match outcome {
                Ok(()) => there.push(*one),
                Err(error) => failure = Some(error),
            }
        }
        let Some(error) = failure else { return Ok(()) };
        Self::remove_all(files, &there).await;
        Err(error.into())
    }

    /// Passes the outcome of the transaction on; where it certainly failed, nothing points at the files: they go.
    pub async fn settle<T>(files: &Files, written: &[&Self], outcome: Result<T, Error>) -> Result<T, Error> {
        match &outcome {
            Ok(_) | Err(Error::CommitStateUnknown(_)) => {}
            Err(_) => Self::remove_all(files, written).await,
        }
        outcome
    }

    async fn remove_all(files: &Files, written: &[&Self]) {
        let removals = written.iter().map(|one| async {
            if let Err(error) = files.delete(&one.metadata_location).await {
                tracing::warn!(file = one.metadata_location.as_str(), %error, "an orphaned metadata file stays");
            }
        });
        join_all(removals).await;
    }
}

/// Deletes metadata files that fell out of a table's log, where the table asks for it; never outside the table.
pub async fn delete_expired(app: &App, after: &TableMetadata, log_removed: &[String]) {
    if log_removed.is_empty() || after.property("write.metadata.delete-after-commit.enabled") != Some("true") {
        return;
    }
    let Ok(table) = Location::parse(after.location()) else { return };
    for text in log_removed {
        let Some(file) = Location::parse(text).ok().filter(|file| table.contains(file)) else { continue };
        if let Err(error) = app.files.delete(&file).await {
            tracing::warn!(file = text, %error, "an expired metadata file stays");
        }
    }
}
