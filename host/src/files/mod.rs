//! Object storage: metadata files in, metadata files out.

mod codec;
mod credential;
mod error;
mod fields;
mod folder;
mod local;
mod profile;
mod s3;
mod storage;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

pub use self::codec::Codec;
pub use self::credential::{AccessKey, S3Credential, Sensitive, SessionKey, StorageCredential};
pub use self::error::FileError;
use self::local::LocalFiles;
pub use self::profile::{Problem, StorageProfile};
use self::s3::S3Rules;
pub use self::s3::{S3Flavor, S3Profile};
pub use self::storage::Storage;
use crate::catalog::location::Location;
use crate::config;

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct FilesSettings {
    /// Directories that local warehouses may lie in; none means that there are no local warehouses.
    pub local_roots: Vec<PathBuf>,
    pub s3: config::S3,
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

/// What the storages of all warehouses are opened by; cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    local: Arc<LocalFiles>,
    s3: S3Rules,
}

impl Files {
    /// Creates missing roots; an error names the root that cannot be used.
    pub fn open(settings: &FilesSettings) -> Result<Self, FileError> {
        let s3 = S3Rules { section: settings.s3.clone() };
        Ok(Self { local: Arc::new(LocalFiles::open(&settings.local_roots)?), s3 })
    }

    /// The disks of this host, inside the allowed roots.
    pub fn local(&self) -> Storage {
        Storage::local(Arc::clone(&self.local))
    }

    /// The storage of a warehouse. Nothing is sent yet; whether it works is told by [`Storage::probe`].
    pub async fn storage(
        &self,
        profile: &StorageProfile,
        credential: Option<&StorageCredential>,
    ) -> Result<Storage, FileError> {
        match (profile, credential) {
            (StorageProfile::Local { .. }, _) => Ok(self.local()),
            (StorageProfile::S3(s3), Some(credential)) => Ok(Storage::s3(self.s3.open(s3, credential).await?)),
            (StorageProfile::S3(s3), None) => Err(FileError::Refused {
                location: s3.root().clone(),
                reason: "the warehouse has no credential for it: set one".to_owned(),
            }),
        }
    }

    /// The same bucket as whoever has keys of a session reaches it, for storages that may be used.
    pub fn by_session(&self, profile: &S3Profile, key: &SessionKey) -> Storage {
        Storage::s3(self.s3.open_by_session(profile, key))
    }

    /// What this machine is known by right now. Whether a storage may use it is told by [`Files::admit`].
    pub async fn machine_key(&self, profile: &S3Profile) -> Result<SessionKey, FileError> {
        self.s3.machine_key(profile).await
    }

    /// What keeps a warehouse from having this storage, told before anything is sent.
    pub async fn admit(
        &self,
        profile: &StorageProfile,
        credential: Option<&StorageCredential>,
    ) -> Result<(), FileError> {
        let outside =
            |problem: Problem| FileError::Outside { location: profile.root().clone(), reason: problem.to_string() };
        match (profile, credential) {
            (StorageProfile::Local { root }, None) => self.local().admit_root(root).await,
            (_, Some(credential)) if credential.problem_with(profile).is_some() => {
                credential.problem_with(profile).map_or(Ok(()), |problem| Err(outside(problem)))
            }
            (StorageProfile::S3(s3), Some(credential)) => self.s3.check(s3, credential).map_err(outside),
            _ => self.storage(profile, credential).await.map(drop),
        }
    }

    /// Makes a local metadata file say `json` again when a crash left it missing, short or otherwise damaged.
    pub async fn restore_metadata(&self, location: &Location, json: Bytes) -> Result<Restored, FileError> {
        self.local().restore_metadata(location, json).await
    }
}

#[cfg(test)]
mod tests;
