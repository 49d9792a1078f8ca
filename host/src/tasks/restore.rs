//! Local metadata files that a crash left short or missing, written again from the store's documents.

use crate::app::App;
use crate::catalog::location::{Location, Scheme};
use crate::error::Result;
use crate::files::Restored;

/// Operating systems bring files to the disk within half a minute; what is much older than the last commit is there.
const WINDOW_MS: i64 = 5 * 60 * 1_000;
/// More files than a catalog under full load writes within that half minute.
const NEWEST_MAX: u32 = 200_000;

/// Looks at the newest metadata files and mends those that are not what the store knows they are.
///
/// The document in the store is the durable copy: it was flushed with the commit, whatever became of the file.
pub async fn newest_files(app: &App) -> Result<usize> {
    let mut mended = 0;
    for recent in app.store.recently_changed(WINDOW_MS, NEWEST_MAX).await? {
        let location = Location::parse(&recent.metadata_location)?;
        if location.scheme() != Scheme::File {
            continue;
        }
        let document = app.store.document(recent.id, recent.version, &recent.metadata_location).await?;
        let Some(document) = document else { continue };
        match app.files.restore_metadata(&location, document.all.unpack()?).await {
            Ok(Restored::Intact) => {}
            Ok(Restored::Rewritten) => {
                tracing::warn!(file = location.as_str(), "a metadata file was damaged or missing, and is restored");
                mended += 1;
            }
            Err(error) => {
                tracing::error!(file = location.as_str(), %error, "a metadata file cannot be checked or restored");
            }
        }
    }
    Ok(mended)
}
