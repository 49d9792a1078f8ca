//! Where a table's files lie, by which storage they are reached, checked anew for each caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::storage_access::StorageAccess;
use crate::app::App;
use crate::catalog::location::{Location, Scheme};
use crate::catalog::scope::{Partition, Scope, Unbounded, Verbs};
use crate::catalog::signing::Endpoint;
use crate::error::Error;
use crate::files::{S3Flavor, S3Profile, StorageProfile};
use crate::store::rows::Tabular;

/// A table in a bucket, with what a caller may do there.
pub struct TablePlace {
    pub table: Tabular,
    pub storage: Arc<StorageAccess>,
    pub profile: S3Profile,
    pub verbs: Verbs,
}

impl App {
    /// `None` for a table on a local disk. 403 where the table no longer lies inside its warehouse, or the operator no
    /// longer allows the storage: what was fine when the table was made may not be so now (S13).
    pub async fn table_place(&self, table: &Tabular, verbs: Verbs) -> Result<Option<TablePlace>, Error> {
        if table.location.scheme() == Scheme::File {
            return Ok(None);
        }
        let storage = self.storage_access(table.warehouse_id, table.warehouse_version).await?;
        let StorageProfile::S3(profile) = &storage.profile else { return Err(outside(table)) };
        if !profile.root().contains(&table.location) {
            return Err(outside(table));
        }
        let admitted = self.files.admit(&storage.profile, storage.credential.as_ref()).await;
        admitted
            .map_err(|error| Error::Forbidden(format!("the storage of this warehouse may not be used: {error}")))?;
        let profile = (**profile).clone();
        Ok(Some(TablePlace { table: table.clone(), storage, profile, verbs }))
    }
}

fn outside(table: &Tabular) -> Error {
    Error::Forbidden(format!(
        "the table {}.{} does not lie inside its warehouse any more, so nobody gets access to its files",
        table.namespace, table.name
    ))
}

impl TablePlace {
    /// The session policy that bounds keys; `None` where the storage has no way to make keys.
    pub fn scope_document(&self) -> Result<Option<String>, Error> {
        if !self.profile.sts_enabled || self.storage.credential.is_none() {
            return Ok(None);
        }
        // Failing closed: keys that cannot be bounded are not made; requests may still be signed.
        match scope_document(&self.profile, &self.table.location, self.verbs) {
            Ok(policy) => Ok(Some(policy)),
            Err(unbounded) => {
                tracing::warn!(table.id = %self.table.id, %unbounded, "no keys are made for this table");
                Ok(None)
            }
        }
    }

    /// Every host that the table's bucket is served at.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        match &self.profile.endpoint {
            Some(url) => Endpoint::parse(url).into_iter().collect(),
            None => {
                let suffix = if self.profile.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                Endpoint::of_amazon(&self.profile.region, suffix)
            }
        }
    }

    /// What a client has to know of the storage, with what the operator asks of it.
    pub fn client_config(&self) -> BTreeMap<String, String> {
        let mut config = client_config(&self.profile);
        if self.profile.push_s3_delete_disabled && self.storage.drops_softly {
            // Spark itself deletes the files of `DROP TABLE … PURGE`: the table could come back, but without them.
            config.insert("s3.delete-enabled".to_owned(), "false".to_owned());
        }
        config
    }
}

/// The session policy that bounds keys of a storage to a place in it.
pub(super) fn scope_document(profile: &S3Profile, place: &Location, verbs: Verbs) -> Result<String, Unbounded> {
    let partition = match profile.flavor {
        S3Flavor::Aws => Partition::of_region(&profile.region),
        S3Flavor::S3Compat => Partition::Aws,
    };
    Scope { place, verbs, partition, kms_key_arn: profile.aws_kms_key_arn.as_deref() }.session_policy()
}

/// What has to be known of a storage by everybody who reaches it; a plugin may say the same, but nothing else.
pub(super) fn client_config(profile: &S3Profile) -> BTreeMap<String, String> {
    let region = &profile.region;
    let mut config = BTreeMap::from([
        ("client.region".to_owned(), region.clone()),
        ("s3.region".to_owned(), region.clone()),
        ("s3.path-style-access".to_owned(), profile.is_path_style().to_string()),
    ]);
    if let Some(endpoint) = &profile.endpoint {
        config.insert("s3.endpoint".to_owned(), endpoint.trim_end_matches('/').to_owned());
    }
    if let Some(key) = &profile.aws_kms_key_arn {
        config.insert("s3.sse.type".to_owned(), "kms".to_owned());
        config.insert("s3.sse.key".to_owned(), key.clone());
    }
    config
}
