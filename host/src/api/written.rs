//! A metadata document on its way into the catalog: a file in storage, a document in the store.

use bytes::Bytes;
use futures_util::future::join_all;

use super::documents::Cached;
use crate::app::App;
use crate::catalog::document::Packed;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::error::Error;
use crate::permit::Permit;
use crate::store::rows::Document;
use crate::tasks::order;
use crate::tasks::queue::Queue;

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

    /// As it is kept in memory for the next reader.
    pub fn into_cached(self) -> Cached {
        Cached::made_of(self.document, self.plain)
    }

    /// Writes all files at the same time; if one fails, those that were written go again.
    pub async fn write_all(app: &App, warehouse: WarehouseId, written: &[&Self]) -> Result<(), Error> {
        let writes = written.iter().map(|one| one.write(app, warehouse));
        let (mut there, mut failure) = (Vec::new(), None);
        for (one, outcome) in written.iter().zip(join_all(writes).await) {
            match outcome {
                Ok(()) => there.push(one.metadata_location.clone()),
                Err(error) => failure = Some(error),
            }
        }
        let Some(error) = failure else { return Ok(()) };
        delete_all(app, warehouse, &there).await;
        Err(error)
    }

    async fn write(&self, app: &App, warehouse: WarehouseId) -> Result<(), Error> {
        let files = app.files_of(warehouse, &self.metadata_location).await?;
        Ok(files.write_metadata(&self.metadata_location, self.plain.clone()).await?)
    }

    /// Passes the outcome of the transaction on; where it certainly failed, nothing points at the files: they go.
    pub async fn settle<T>(
        app: &App,
        warehouse: WarehouseId,
        written: &[&Self],
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        match &outcome {
            Ok(_) | Err(Error::CommitStateUnknown(_)) => {}
            Err(_) => {
                let files: Vec<Location> = written.iter().map(|one| one.metadata_location.clone()).collect();
                delete_all(app, warehouse, &files).await;
            }
        }
        outcome
    }
}

/// Deletes metadata files that fell out of a table's log, where the table asks for it; never outside the table.
pub async fn delete_expired(app: &App, warehouse: WarehouseId, after: &TableMetadata, log_removed: &[String]) {
    if log_removed.is_empty() || after.property("write.metadata.delete-after-commit.enabled") != Some("true") {
        return;
    }
    let Ok(table) = Location::parse(after.location()) else { return };
    let parsed = log_removed.iter().filter_map(|text| Location::parse(text).ok());
    let files: Vec<Location> = parsed.filter(|file| table.contains(file)).collect();
    delete_all(app, warehouse, &files).await;
}

/// Deletes files that nothing points at; what cannot be deleted now is left to the background work.
async fn delete_all(app: &App, warehouse: WarehouseId, files: &[Location]) {
    let outcomes = join_all(files.iter().map(|file| delete(app, warehouse, file))).await;
    for (file, outcome) in files.iter().zip(outcomes) {
        let Err(error) = outcome else { continue };
        tracing::warn!(file = file.as_str(), %error, "a metadata file that nothing points at cannot be deleted now");
        if let Err(error) = order_deletion(app, warehouse, file).await {
            tracing::warn!(file = file.as_str(), %error, "a metadata file that nothing points at stays");
        }
    }
}

async fn delete(app: &App, warehouse: WarehouseId, file: &Location) -> Result<(), Error> {
    Ok(app.files_of(warehouse, file).await?.delete(file).await?)
}

async fn order_deletion(app: &App, warehouse: WarehouseId, file: &Location) -> Result<(), Error> {
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&Permit::operator(Queue::MetadataCleanup.as_str())).await?;
    writer.enqueue_task(&order::leftover(warehouse, file, now_ms)?).await?;
    writer.commit().await
}
