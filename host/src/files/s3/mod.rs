//! Files in a bucket, inside the root of one warehouse only.

mod client;
mod fault;
mod profile;
mod remove;
mod write;

use std::sync::atomic::AtomicU8;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::ChecksumMode;

use self::fault::Fault;
pub use self::profile::{S3Flavor, S3Profile};
use super::Listed;
use super::credential::{SessionKey, StorageCredential};
use super::error::FileError;
use super::profile::Problem;
use crate::catalog::location::Location;
use crate::config;

/// How often a body is fetched again that broke off; the request itself is repeated by the client.
const BODY_ATTEMPTS_MAX: u32 = 3;
/// A storage that answers with the same page for ever must end, too.
const PAGES_MAX: u32 = 100_000;

/// What the operator allows of S3.
#[derive(Clone, Debug)]
pub(super) struct S3Rules {
    pub(super) section: config::S3,
}

/// One warehouse's bucket.
///
/// INVARIANT: every operation is refused that names a place outside of the warehouse's root, whatever the key reaches.
#[derive(Debug)]
pub(super) struct S3Files {
    client: Client,
    root: Location,
    body_timeout: Duration,
    /// What the storage makes of `If-None-Match`: see [`write`].
    conditional: AtomicU8,
}

impl S3Rules {
    /// What the operator does not allow of this storage with this credential.
    pub(super) fn check(&self, profile: &S3Profile, credential: &StorageCredential) -> Result<(), Problem> {
        client::check(&self.section, profile, credential)
    }

    /// Opens the storage; nothing is sent yet.
    pub(super) async fn open(&self, profile: &S3Profile, credential: &StorageCredential) -> Result<S3Files, FileError> {
        self.check(profile, credential)
            .map_err(|problem| FileError::Outside { location: profile.root().clone(), reason: problem.to_string() })?;
        Ok(self.files(profile, client::stored_key(profile, credential).await))
    }

    pub(super) fn open_by_session(&self, profile: &S3Profile, key: &SessionKey) -> S3Files {
        self.files(profile, client::session_key(key))
    }

    /// What this machine is known by, asked anew; not without the operator's leave.
    pub(super) async fn machine_key(&self, profile: &S3Profile) -> Result<SessionKey, FileError> {
        if !self.section.system_identity {
            let reason = client::NO_SYSTEM_IDENTITY.to_owned();
            return Err(FileError::Outside { location: profile.root().clone(), reason });
        }
        let within = Duration::from_millis(self.section.operation_timeout_ms);
        let found = tokio::time::timeout(within, client::machine_key(profile)).await;
        found.unwrap_or_else(|_| Err(fault::timed_out())).map_err(|error| FileError::failed(profile.root(), error))
    }

    fn files(&self, profile: &S3Profile, key: SharedCredentialsProvider) -> S3Files {
        S3Files {
            client: client::open(&self.section, profile, key),
            root: profile.root().clone(),
            body_timeout: Duration::from_millis(self.section.operation_timeout_ms),
            conditional: AtomicU8::default(),
        }
    }
}

impl S3Files {
    /// The key of a place inside the root.
    fn key<'a>(&self, location: &'a Location) -> Result<&'a str, FileError> {
        if !self.root.contains(location) {
            let reason = format!("it is not inside `{}`, the root of its warehouse", self.root);
            return Err(FileError::Outside { location: location.clone(), reason });
        }
        Ok(location.path().trim_start_matches('/'))
    }

    /// The bytes, compared with the checksum that the storage keeps; a body that breaks off is fetched again.
    pub(super) async fn read(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let key = self.key(location)?;
        let mut attempt = 1;
        loop {
            let request = self.client.get_object().bucket(self.root.bucket()).key(key);
            let answer = request.checksum_mode(ChecksumMode::Enabled).send().await;
            let answer = answer.map_err(|error| Fault::of(error).on(location))?;
            let body = tokio::time::timeout(self.body_timeout, body(answer, location, bytes_max)).await;
            match body.unwrap_or_else(|_| Err(FileError::failed(location, fault::timed_out()))) {
                Err(FileError::Failed { .. }) if attempt < BODY_ATTEMPTS_MAX => attempt += 1,
                done => return done,
            }
        }
    }

    pub(super) async fn exists(&self, location: &Location) -> Result<bool, FileError> {
        let key = self.key(location)?;
        match self.client.head_object().bucket(self.root.bucket()).key(key).send().await.map_err(Fault::of) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_missing() => Ok(false),
            Err(fault) => Err(self.explained(key, fault).await.on(location)),
        }
    }

    /// The answer to a HEAD has no body that could say why; the one to a GET has.
    async fn explained(&self, key: &str, fault: Fault) -> Fault {
        if fault.has_code() {
            return fault;
        }
        let request = self.client.get_object().bucket(self.root.bucket()).key(key).range("bytes=0-0");
        request.send().await.map_err(Fault::of).err().unwrap_or(fault)
    }

    /// The objects directly below a prefix.
    pub(super) async fn list(&self, folder: &Location) -> Result<Vec<Listed>, FileError> {
        let prefix = format!("{}/", self.key(folder)?);
        let mut listed = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(folder, &prefix, Some("/"), token).await?;
            for object in page.contents() {
                let Some(name) = object.key().and_then(|key| key.strip_prefix(&prefix)) else { continue };
                let modified_at_ms = object.last_modified().and_then(|time| time.to_millis().ok());
                if let (false, Some(modified_at_ms)) = (name.is_empty(), modified_at_ms) {
                    listed.push(Listed { name: name.to_owned(), modified_at_ms });
                }
            }
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(listed);
            }
        }
        Err(FileError::failed(folder, fault::endless()))
    }

    async fn page(
        &self,
        place: &Location,
        prefix: &str,
        delimiter: Option<&str>,
        token: Option<String>,
    ) -> Result<ListObjectsV2Output, FileError> {
        let request = self.client.list_objects_v2().bucket(self.root.bucket()).prefix(prefix);
        let request = request.set_delimiter(delimiter.map(str::to_owned)).set_continuation_token(token);
        request.send().await.map_err(|error| Fault::of(error).on(place))
    }
}

/// Never more than `bytes_max`, whatever length the storage claimed.
async fn body(answer: GetObjectOutput, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let too_large = || FileError::TooLarge { location: location.clone(), bytes_max };
    let claimed = answer.content_length().and_then(|length| u64::try_from(length).ok());
    if claimed.is_some_and(|length| length > bytes_max) {
        return Err(too_large());
    }
    let mut body = answer.body;
    let mut bytes = Vec::with_capacity(claimed.unwrap_or_default().min(bytes_max) as usize);
    while let Some(chunk) = body.try_next().await.map_err(|error| FileError::failed(location, fault::broken(&error)))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > bytes_max {
            return Err(too_large());
        }
    }
    match claimed {
        Some(length) if length != bytes.len() as u64 => {
            Err(FileError::failed(location, fault::short(length, bytes.len())))
        }
        _ => Ok(bytes),
    }
}
