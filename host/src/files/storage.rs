//! The storage of one warehouse: every operation on its files.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::codec::Codec;
use super::error::FileError;
use super::local::{Flush, LocalFiles};
use super::s3::S3Files;
use super::{Listed, Restored};
use crate::catalog::location::{Location, Scheme};
use crate::error::Error;

/// Cheap to clone.
///
/// Files are immutable: a name is written once, read, deleted. Only a local metadata file is ever replaced, by what it
/// always had to be.
#[derive(Clone, Debug)]
pub struct Storage {
    backend: Backend,
}

#[derive(Clone, Debug)]
enum Backend {
    Local(Arc<LocalFiles>),
    S3(Arc<S3Files>),
}

// What an SDK does for one request is large: it is boxed here, so that no caller carries it.
impl Storage {
    pub(super) fn local(files: Arc<LocalFiles>) -> Self {
        Self { backend: Backend::Local(files) }
    }

    pub(super) fn s3(files: S3Files) -> Self {
        Self { backend: Backend::S3(Arc::new(files)) }
    }

    /// Writes a file that must not exist yet, durably: it is there after a power loss once this returns.
    pub async fn write_new(&self, location: &Location, bytes: Bytes) -> Result<(), FileError> {
        match &self.backend {
            Backend::Local(files) => {
                on_disk(files, location, move |files, location| files.write_new(location, &bytes, Flush::Now)).await
            }
            Backend::S3(files) => files.write_new(location, bytes).boxed().await,
        }
    }

    /// Makes the folder of a file, for clients that write beside it before the catalog does; buckets have none.
    pub async fn prepare_folder_of(&self, location: &Location) -> Result<(), FileError> {
        match &self.backend {
            Backend::Local(files) => on_disk(files, location, LocalFiles::prepare).await,
            Backend::S3(_) => Ok(()),
        }
    }

    /// The bytes of a file of at most `bytes_max`.
    pub async fn read(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        match &self.backend {
            Backend::Local(files) => {
                on_disk(files, location, move |files, location| files.read(location, bytes_max)).await
            }
            Backend::S3(files) => files.read(location, bytes_max).boxed().await,
        }
    }

    /// Like [`Storage::write_new`] in the encoding that the name asks for: gzip for `….gz.metadata.json`.
    ///
    /// A local file is not flushed here: the document in the store is the durable copy, flushed with the commit, and
    /// [`Storage::restore_metadata`] mends what a power loss has left. Two flushes less make a commit twice as fast. In
    /// a bucket it is there for good once this returns.
    pub async fn write_metadata(&self, location: &Location, json: Bytes) -> Result<(), FileError> {
        match (&self.backend, Codec::of(location)) {
            (Backend::Local(files), codec) => {
                let encode = move |files: &LocalFiles, location: &Location| match codec {
                    Codec::Plain => files.write_new(location, &json, Flush::Later),
                    Codec::Gzip => files.write_new(location, &codec.encode(&json, location)?, Flush::Later),
                };
                on_disk(files, location, encode).await
            }
            (Backend::S3(files), Codec::Plain) => files.write_new(location, json).boxed().await,
            (Backend::S3(files), codec @ Codec::Gzip) => {
                let packed = aside(location, move |location| codec.encode(&json, location)).await?;
                files.write_new(location, packed.into()).boxed().await
            }
        }
    }

    /// The JSON of a metadata file, unpacked when its name says so; `bytes_max` bounds the packed and the plain size.
    pub async fn read_metadata(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let stored = self.read(location, bytes_max).await?;
        match Codec::of(location) {
            Codec::Plain => Ok(stored),
            codec @ Codec::Gzip => aside(location, move |location| codec.decode(stored, location, bytes_max)).await,
        }
    }

    /// Makes a local metadata file say `json` again when a crash left it missing, short or otherwise damaged.
    pub(super) async fn restore_metadata(&self, location: &Location, json: Bytes) -> Result<Restored, FileError> {
        let Backend::Local(files) = &self.backend else {
            return Err(FileError::Outside { location: location.clone(), reason: "objects are never replaced".into() });
        };
        let restore = move |local: &LocalFiles, location: &Location| {
            let codec = Codec::of(location);
            let bytes_max = json.len() as u64 * 2 + 1_024;
            let found = local.read(location, bytes_max).and_then(|stored| codec.decode(stored, location, bytes_max));
            match found {
                Ok(found) if found == json => Ok(Restored::Intact),
                Err(refused @ (FileError::Outside { .. } | FileError::Failed { .. })) => Err(refused),
                Ok(_) | Err(_) => {
                    local.replace(location, &codec.encode(&json, location)?)?;
                    Ok(Restored::Rewritten)
                }
            }
        };
        on_disk(files, location, restore).await
    }

    pub async fn exists(&self, location: &Location) -> Result<bool, FileError> {
        match &self.backend {
            Backend::Local(files) => on_disk(files, location, LocalFiles::exists).await,
            Backend::S3(files) => files.exists(location).boxed().await,
        }
    }

    /// Removes one file; a file that is not there is success.
    pub async fn delete(&self, location: &Location) -> Result<(), FileError> {
        match &self.backend {
            Backend::Local(files) => on_disk(files, location, LocalFiles::delete).await,
            Backend::S3(files) => files.delete(location).boxed().await,
        }
    }

    /// Removes everything at and under `location`, never a root itself; links are removed, not followed. Whoever stops
    /// waiting for it stops it.
    pub async fn delete_tree(&self, location: &Location) -> Result<(), FileError> {
        match &self.backend {
            Backend::Local(files) => {
                let stop = CancellationToken::new();
                let _stopped_when_dropped = stop.clone().drop_guard();
                on_disk(files, location, move |files, location| files.delete_tree(location, &stop)).await
            }
            Backend::S3(files) => files.delete_tree(location).boxed().await,
        }
    }

    /// The files directly in a folder; none where there is no such folder.
    pub async fn list(&self, folder: &Location) -> Result<Vec<Listed>, FileError> {
        match &self.backend {
            Backend::Local(files) => on_disk(files, folder, LocalFiles::list).await,
            Backend::S3(files) => files.list(folder).boxed().await,
        }
    }

    /// Whether a local warehouse may have its root at `location`.
    pub(super) async fn admit_root(&self, location: &Location) -> Result<(), FileError> {
        match &self.backend {
            Backend::Local(files) => on_disk(files, location, LocalFiles::admit).await,
            Backend::S3(_) => Ok(()),
        }
    }

    /// Writes, reads, lists, deletes a small file inside `root`, as proof that a warehouse can work there.
    pub async fn probe(&self, root: &Location) -> Result<(), FileError> {
        let place = self.probe_place(root).map_err(|error| FileError::Outside {
            location: root.clone(),
            reason: format!("a probe cannot be placed inside: {error}"),
        })?;
        let tried = self.try_out(&place).await;
        let deleted = self.delete(&place).await.map_err(|error| error.during("deleted"));
        tried.and(deleted)
    }

    /// In a bucket it has a folder of its own, since the root's listing may be long; on a disk a folder would stay.
    fn probe_place(&self, root: &Location) -> Result<Location, Error> {
        let name = format!(".weir-probe-{}", uuid::Uuid::new_v4());
        match &self.backend {
            Backend::Local(_) => root.join(&name),
            Backend::S3(_) => root.join(&name)?.join("probe"),
        }
    }

    async fn try_out(&self, place: &Location) -> Result<(), FileError> {
        let corrupt = |reason: &str| FileError::Corrupt { location: place.clone(), reason: reason.to_owned() };
        let written = self.write_new(place, Bytes::from_static(PROBE)).await;
        written.map_err(|error| error.during("written"))?;
        let read = self.read(place, PROBE.len() as u64).await.map_err(|error| error.during("read"))?;
        if read != PROBE {
            return Err(corrupt("other bytes were read back than were written"));
        }
        let Some(folder) = place.parent() else { return Ok(()) };
        let listed = self.list(&folder).await.map_err(|error| error.during("listed"))?;
        match listed.iter().any(|file| file.name == place.name()) {
            true => Ok(()),
            false => Err(corrupt("it was written, yet a listing of its folder does not show it")),
        }
    }
}

const PROBE: &[u8] = b"weir";

/// One trip to the blocking threads for one operation.
async fn on_disk<T: Send + 'static>(
    files: &Arc<LocalFiles>,
    location: &Location,
    operation: impl FnOnce(&LocalFiles, &Location) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    if location.scheme() != Scheme::File {
        let reason = "it does not lie on this host".to_owned();
        return Err(FileError::Outside { location: location.clone(), reason });
    }
    let files = Arc::clone(files);
    aside(location, move |location| operation(&files, location)).await
}

/// Work that would keep others waiting.
async fn aside<T: Send + 'static>(
    location: &Location,
    work: impl FnOnce(&Location) -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    let place = location.clone();
    match tokio::task::spawn_blocking(move || work(&place)).await {
        Ok(done) => done,
        Err(died) => Err(FileError::Failed { location: location.clone(), source: died.into() }),
    }
}
