//! Object storage: metadata files in, metadata files out.

mod codec;
mod error;
mod folder;
mod local;
mod profile;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

pub use self::codec::Codec;
pub use self::error::FileError;
use self::local::{Flush, LocalFiles};
pub use self::profile::{Problem, StorageProfile};
use crate::catalog::location::{Location, Scheme};

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct FilesSettings {
    /// Directories that local warehouses may lie in; none means that there are no local warehouses.
    pub local_roots: Vec<PathBuf>,
}

/// Whether a file had to be written again from its durable copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    Intact,
    Rewritten,
}

/// A file as a listing of its folder shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// By the clock of the storage.
    pub modified_at_ms: i64,
}

/// The storages of all warehouses; cheap to clone. The scheme of a location says which backend holds it.
///
/// Files are immutable: a name is written once, read, deleted. Only [`Files::restore_metadata`] replaces one, by what it
/// always had to be.
#[derive(Clone, Debug)]
pub struct Files {
    local: Arc<LocalFiles>,
}

impl Files {
    /// Creates missing roots; an error names the root that cannot be used.
    pub fn open(settings: &FilesSettings) -> Result<Self, FileError> {
        Ok(Self { local: Arc::new(LocalFiles::open(&settings.local_roots)?) })
    }

    /// Writes a file that must not exist yet, durably: it is there after a power loss once this returns.
    pub async fn write_new(&self, location: &Location, bytes: Bytes) -> Result<(), FileError> {
        self.on_local(location, move |local, location| local.write_new(location, &bytes, Flush::Now)).await
    }

    /// Makes the folder of a file, for clients that write beside it before the catalog does.
    pub async fn prepare_folder_of(&self, location: &Location) -> Result<(), FileError> {
        self.on_local(location, LocalFiles::prepare).await
    }

    /// The bytes of a file of at most `bytes_max`.
    pub async fn read(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        self.on_local(location, move |local, location| local.read(location, bytes_max)).await
    }

    /// Like [`Files::write_new`] in the encoding that the name asks for: gzip for `….gz.metadata.json`.
    ///
    /// A local file is not flushed here: the document in the store is the durable copy, flushed with the commit, and
    /// [`Files::restore_metadata`] mends what a power loss has left. Two flushes less make a commit twice as fast.
    pub async fn write_metadata(&self, location: &Location, json: Bytes) -> Result<(), FileError> {
        let encode = move |local: &LocalFiles, location: &Location| match Codec::of(location) {
            Codec::Plain => local.write_new(location, &json, Flush::Later),
            codec @ Codec::Gzip => local.write_new(location, &codec.encode(&json, location)?, Flush::Later),
        };
        self.on_local(location, encode).await
    }

    /// The JSON of a metadata file, unpacked when its name says so; `bytes_max` bounds the packed and the plain size.
    pub async fn read_metadata(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        self.on_local(location, move |local, location| {
            let stored = local.read(location, bytes_max)?;
            Codec::of(location).decode(stored, location, bytes_max)
        })
        .await
    }

    /// Makes the metadata file say `json` again when a crash left it missing, short or otherwise damaged.
    pub async fn restore_metadata(&self, location: &Location, json: Bytes) -> Result<Restored, FileError> {
        self.on_local(location, move |local, location| {
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
        })
        .await
    }

    pub async fn exists(&self, location: &Location) -> Result<bool, FileError> {
        self.on_local(location, LocalFiles::exists).await
    }

    /// Removes one file; a file that is not there is success.
    pub async fn delete(&self, location: &Location) -> Result<(), FileError> {
        self.on_local(location, LocalFiles::delete).await
    }

    /// Removes everything at and under `location`, never a root itself; links are removed, not followed. Whoever stops
    /// waiting for it stops it.
    pub async fn delete_tree(&self, location: &Location) -> Result<(), FileError> {
        let stop = CancellationToken::new();
        let _stopped_when_dropped = stop.clone().drop_guard();
        self.on_local(location, move |local, location| local.delete_tree(location, &stop)).await
    }

    /// The files directly in a folder; none where there is no such folder.
    pub async fn list(&self, folder: &Location) -> Result<Vec<Listed>, FileError> {
        self.on_local(folder, LocalFiles::list).await
    }

    /// Whether a warehouse may have its root at `location`.
    pub async fn admit_root(&self, location: &Location) -> Result<(), FileError> {
        self.on_local(location, LocalFiles::admit).await
    }

    /// Writes, reads, deletes a small file at `root`, as proof that a warehouse can work there.
    pub async fn probe(&self, root: &Location) -> Result<(), FileError> {
        let name = format!(".weir-probe-{}", uuid::Uuid::new_v4());
        let place = root.join(&name).map_err(|error| FileError::Outside {
            location: root.clone(),
            reason: format!("a probe cannot be placed inside: {error}"),
        })?;
        self.write_new(&place, Bytes::from_static(b"weir")).await?;
        let read = self.read(&place, 4).await;
        self.delete(&place).await?;
        match read?.as_slice() {
            b"weir" => Ok(()),
            other => {
                Err(FileError::Corrupt { location: place, reason: format!("read back {} other bytes", other.len()) })
            }
        }
    }

    /// One trip to the blocking threads for one operation.
    async fn on_local<T: Send + 'static>(
        &self,
        location: &Location,
        operation: impl FnOnce(&LocalFiles, &Location) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        if location.scheme() != Scheme::File {
            let reason = "this server has no storage of that kind yet".to_owned();
            return Err(FileError::Outside { location: location.clone(), reason });
        }
        let (local, place) = (Arc::clone(&self.local), location.clone());
        match tokio::task::spawn_blocking(move || operation(&local, &place)).await {
            Ok(done) => done,
            Err(died) => Err(FileError::Failed { location: location.clone(), source: died.into() }),
        }
    }
}

#[cfg(test)]
mod tests;
