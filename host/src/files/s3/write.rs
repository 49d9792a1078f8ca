//! New objects: put if absent, never over another one, proven to be there.

use std::sync::atomic::Ordering;

use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use uuid::Uuid;

use super::super::error::FileError;
use super::S3Files;
use super::fault::{self, Fault};
use crate::catalog::location::Location;

/// Tells an object of this very call from one that was there before: an answer may get lost, and the repetition then
/// finds the object that the lost request wrote.
const MARK: &str = "weir-write";

/// What a storage makes of `If-None-Match: *`; learnt by the first write.
mod learnt {
    pub(super) const NOTHING: u8 = 0;
    pub(super) const HONOURED: u8 = 1;
    /// It writes all the same, or refuses the header.
    pub(super) const IGNORED: u8 = 2;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    IfAbsent,
    None,
}

impl S3Files {
    /// Puts a new object; where there is one already it is left as it is.
    ///
    /// A storage that ignores the condition is asked before whether something is there. What is left of the race between
    /// the two is harmless: names of metadata files hold a fresh UUID, so nobody else chooses them.
    pub(in crate::files) async fn write_new(&self, location: &Location, bytes: Bytes) -> Result<(), FileError> {
        let known = self.conditional.load(Ordering::Relaxed);
        if known != learnt::HONOURED && self.exists(location).await? {
            return Err(FileError::Exists(location.clone()));
        }
        if known == learnt::IGNORED {
            return self.put(location, &bytes, Condition::None).await.map_err(|fault| fault.on(location))?;
        }
        match self.put(location, &bytes, Condition::IfAbsent).await {
            Ok(written) => written?,
            Err(fault) if fault.is_not_implemented() => {
                self.conditional.store(learnt::IGNORED, Ordering::Relaxed);
                return self.put(location, &bytes, Condition::None).await.map_err(|fault| fault.on(location))?;
            }
            Err(fault) => return Err(fault.on(location)),
        }
        if known == learnt::NOTHING {
            self.learn(location, &bytes).await;
        }
        Ok(())
    }

    /// Writes the same bytes once more: a storage that honours the condition refuses. A failure teaches nothing.
    async fn learn(&self, location: &Location, bytes: &Bytes) {
        let Ok(key) = self.key(location) else { return };
        let request = self.client.put_object().bucket(self.root.bucket()).key(key).if_none_match("*");
        let learnt = match request.body(ByteStream::from(bytes.clone())).send().await.map_err(Fault::of) {
            Err(fault) if fault.is_precondition() => learnt::HONOURED,
            Ok(_) => {
                tracing::warn!(
                    bucket = self.root.bucket(),
                    "the storage ignores `If-None-Match`: each new metadata file costs one more request"
                );
                learnt::IGNORED
            }
            Err(_) => return,
        };
        self.conditional.store(learnt, Ordering::Relaxed);
    }

    /// The inner result is about the object, the outer one about the request.
    async fn put(
        &self,
        location: &Location,
        bytes: &Bytes,
        condition: Condition,
    ) -> Result<Result<(), FileError>, Fault> {
        let key = match self.key(location) {
            Ok(key) => key,
            Err(outside) => return Ok(Err(outside)),
        };
        let (mark, checksum) = (Uuid::new_v4().to_string(), checksum(bytes));
        let request = self.client.put_object().bucket(self.root.bucket()).key(key).checksum_crc32(&checksum);
        let request = request.content_type("application/json").metadata(MARK, &mark);
        let request = match condition {
            Condition::IfAbsent => request.if_none_match("*"),
            Condition::None => request,
        };
        match request.body(ByteStream::from(bytes.clone())).send().await.map_err(Fault::of) {
            Ok(answer) => Ok(self.verify(location, bytes, &checksum, &answer).await),
            Err(fault) if fault.is_precondition() && self.is_marked(key, &mark).await? => {
                Ok(self.read_back(location, bytes).await)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whether the object is the one that this call wrote.
    async fn is_marked(&self, key: &str, mark: &str) -> Result<bool, Fault> {
        match self.client.head_object().bucket(self.root.bucket()).key(key).send().await.map_err(Fault::of) {
            Ok(found) => Ok(found.metadata().and_then(|all| all.get(MARK)).is_some_and(|found| found == mark)),
            Err(fault) if fault.is_missing() => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// A success counts only with the checksum of what was sent; a storage that keeps none is asked for the bytes.
    async fn verify(
        &self,
        location: &Location,
        bytes: &Bytes,
        checksum: &str,
        answer: &PutObjectOutput,
    ) -> Result<(), FileError> {
        match answer.checksum_crc32() {
            Some(kept) if kept == checksum => Ok(()),
            _ => self.read_back(location, bytes).await,
        }
    }

    async fn read_back(&self, location: &Location, bytes: &Bytes) -> Result<(), FileError> {
        match self.read(location, bytes.len() as u64).await {
            Ok(found) if found == *bytes => Ok(()),
            Ok(_) | Err(FileError::TooLarge { .. } | FileError::Missing(_)) => {
                Err(FileError::failed(location, fault::not_kept()))
            }
            Err(error) => Err(error),
        }
    }
}

fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(crc32fast::hash(bytes).to_be_bytes())
}
