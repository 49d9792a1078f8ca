//! Objects that go: one, or all below a prefix.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use futures_util::future::try_join_all;

use super::super::error::FileError;
use super::fault::{self, Fault};
use super::{PAGES_MAX, S3Files};
use crate::catalog::location::Location;

/// Where objects have to go one by one.
const DELETES_AT_ONCE: usize = 16;

impl S3Files {
    /// An object that is not there is success.
    pub(in crate::files) async fn delete(&self, location: &Location) -> Result<(), FileError> {
        let key = self.key(location)?;
        self.delete_key(key, location).await
    }

    async fn delete_key(&self, key: &str, location: &Location) -> Result<(), FileError> {
        match self.client.delete_object().bucket(self.root.bucket()).key(key).send().await.map_err(Fault::of) {
            Ok(_) => Ok(()),
            Err(fault) if fault.is_missing() => Ok(()),
            Err(fault) => Err(fault.on(location)),
        }
    }

    /// Everything at and under a place below the root: the keys that continue it after a slash, not those of a sibling
    /// whose name begins alike.
    pub(in crate::files) async fn delete_tree(&self, location: &Location) -> Result<(), FileError> {
        let key = self.key(location)?;
        if *location == self.root {
            let reason = "a root itself is never deleted".to_owned();
            return Err(FileError::Outside { location: location.clone(), reason });
        }
        let prefix = format!("{key}/");
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(location, &prefix, None, token).await?;
            let keys: Vec<&str> = page.contents().iter().filter_map(|object| object.key()).collect();
            // A storage that answers with other keys than were asked for must not make us delete them.
            if let Some(foreign) = keys.iter().find(|key| !key.starts_with(&prefix)) {
                let reason = format!("its listing names `{foreign}`, which does not lie there");
                return Err(FileError::Corrupt { location: location.clone(), reason });
            }
            self.delete_keys(&keys, location).await?;
            token = page.next_continuation_token.clone();
            if token.is_none() {
                return self.delete_key(key, location).await;
            }
        }
        Err(FileError::failed(location, fault::endless()))
    }

    async fn delete_keys(&self, keys: &[&str], location: &Location) -> Result<(), FileError> {
        let identifiers = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build());
        let identifiers = identifiers.collect::<Result<Vec<_>, _>>();
        let request = identifiers.and_then(|all| Delete::builder().set_objects(Some(all)).quiet(true).build());
        let request = request.map_err(|error| FileError::failed(location, std::io::Error::other(error)))?;
        if request.objects().is_empty() {
            return Ok(());
        }
        match self.client.delete_objects().bucket(self.root.bucket()).delete(request).send().await.map_err(Fault::of) {
            Ok(answer) => match answer.errors().first() {
                None => Ok(()),
                Some(failure) => Err(FileError::failed(location, fault::kept(failure.code().unwrap_or_default()))),
            },
            // Older storages want the MD5 of such a body, which SDKs do not send any more.
            Err(fault) if fault.is_not_implemented() || fault.is_bad_request() => {
                self.delete_one_by_one(keys, location).await
            }
            Err(fault) => Err(fault.on(location)),
        }
    }

    async fn delete_one_by_one(&self, keys: &[&str], location: &Location) -> Result<(), FileError> {
        for batch in keys.chunks(DELETES_AT_ONCE) {
            try_join_all(batch.iter().map(|key| self.delete_key(key, location))).await?;
        }
        Ok(())
    }
}
