//! The storage of a warehouse: its profile, the key to it, its files.

use std::sync::Arc;

use moka::future::Cache;

use super::authorize::Object;
use super::extract::no_such_warehouse;
use super::vending::Reached;
use crate::app::App;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::{Location, Scheme};
use crate::error::{Error, Result};
use crate::files::{S3Profile, Storage, StorageCredential, StorageProfile};
use crate::plugin::Object as Described;
use crate::secrets::{Kept, Owner, Plain};
use crate::store::rows::{DeleteProfile, StoredSecret, Warehouse};

/// What a warehouse's files are reached by, as of one version of the warehouse. `Debug` shows no key.
#[derive(Debug)]
pub struct StorageAccess {
    pub warehouse: WarehouseId,
    /// The version of the warehouse's row.
    pub version: i64,
    pub profile: StorageProfile,
    /// The key, secret; `None` where the storage needs none.
    pub credential: Option<StorageCredential>,
    /// Whether what is dropped can be brought back for a while.
    pub drops_softly: bool,
    pub own: Own,
}

/// How the host itself reaches the files; [`App::reached`] tells by what right now.
#[derive(Debug)]
pub enum Own {
    /// Once for all, by the credential; in a trial, by whatever was there at its beginning.
    Open(Reached),
    /// By sessions of the role that the profile names, one after the other.
    Sessions { profile: Box<S3Profile>, warehouse: Box<Described> },
}

/// The storages that were opened lately, by warehouse and version: a change makes another entry, so none is ever stale.
pub struct Storages {
    opened: Cache<(WarehouseId, i64), Arc<StorageAccess>>,
}

const OPENED_MAX: u64 = 1_000;

impl Default for Storages {
    fn default() -> Self {
        Self { opened: Cache::new(OPENED_MAX) }
    }
}

impl App {
    /// Forgets what is remembered by the version of a warehouse: after a failover that lost changes the same numbers are given
    /// again (R9).
    pub fn forget_versions(&self) {
        self.storages.opened.invalidate_all();
        self.vending.forget_all();
    }

    /// The storage of a warehouse that was read at this version, or of the warehouse as it is now where it moved on.
    pub async fn storage_access(&self, id: WarehouseId, version: i64) -> Result<Arc<StorageAccess>> {
        if let Some(opened) = self.storages.opened.get(&(id, version)).await {
            return Ok(opened);
        }
        let warehouse = self.store.warehouse(id).await?.ok_or_else(|| no_such_warehouse(&id.to_string()))?;
        self.storage_of(&warehouse).await
    }

    /// The storage of a warehouse's row.
    pub async fn storage_of(&self, warehouse: &Warehouse) -> Result<Arc<StorageAccess>> {
        let key = (warehouse.id, warehouse.version);
        if let Some(opened) = self.storages.opened.get(&key).await {
            return Ok(opened);
        }
        let profile = stored_profile(&warehouse.storage_profile)?;
        let credential = match &profile {
            StorageProfile::Local { .. } => None,
            StorageProfile::S3(_) => self.credential_of(warehouse).await?,
        };
        let own = self.own_of(warehouse, &profile, credential.as_ref()).await?;
        let drops_softly = warehouse.delete_profile != DeleteProfile::Hard;
        let (id, version) = key;
        let access = Arc::new(StorageAccess { warehouse: id, version, profile, credential, drops_softly, own });
        self.storages.opened.insert(key, Arc::clone(&access)).await;
        Ok(access)
    }

    async fn own_of(
        &self,
        warehouse: &Warehouse,
        profile: &StorageProfile,
        credential: Option<&StorageCredential>,
    ) -> Result<Own> {
        let object = self.object_for_plugins(&Object::Warehouse(warehouse)).await?;
        match profile {
            StorageProfile::S3(s3) if s3.assume_role_arn.is_some() => {
                self.files.admit(profile, credential).await?;
                Ok(Own::Sessions { profile: s3.clone(), warehouse: Box::new(object) })
            }
            _ => Ok(Own::Open(self.reach(profile, credential, &object).await?)),
        }
    }

    /// The files of a warehouse's row, as the host reaches them now.
    pub async fn own_files(&self, warehouse: &Warehouse) -> Result<Storage> {
        let access = self.storage_of(warehouse).await?;
        Ok(self.reached(&access).await?.files)
    }

    /// The files of a warehouse, for one at `location`. Local ones need nothing to be looked up.
    pub async fn files_of(&self, warehouse: WarehouseId, location: &Location) -> Result<Storage> {
        if location.scheme() == Scheme::File {
            return Ok(self.files.local());
        }
        let row = self.store.warehouse(warehouse).await?;
        let row = row.ok_or_else(|| no_such_warehouse(&warehouse.to_string()))?;
        self.own_files(&row).await
    }

    async fn credential_of(&self, warehouse: &Warehouse) -> Result<Option<StorageCredential>> {
        let Some(secret) = self.store.secret(warehouse.id).await? else { return Ok(None) };
        // Profile and key change together: a key that is newer than the row belongs to another profile.
        let now = self.store.warehouse(warehouse.id).await?;
        if now.is_none_or(|now| now.version != warehouse.version) {
            return Err(Error::unavailable(format!("warehouse {} is being changed", warehouse.name)));
        }
        let owner = Owner { warehouse: warehouse.id, version: secret.version };
        let plain = self.secrets.reveal(owner, &kept(&secret), self.clock.now_ms()).await?;
        let unreadable = || Error::internal(anyhow::anyhow!("the credential of warehouse {} is not one", warehouse.id));
        let sealed = serde_json::from_slice(plain.expose()).map_err(|_| unreadable())?;
        StorageCredential::parse(&sealed).map(Some).map_err(|_| unreadable())
    }

    /// What a warehouse that is gone, or has no credential any more, left in a store of secrets. A store that does not answer
    /// keeps nobody from deleting a warehouse; what stays there opens nothing by itself, the log names it.
    pub async fn forget_secret(&self, warehouse: WarehouseId) {
        if let Err(error) = self.secrets.forget(warehouse, self.clock.now_ms()).await {
            tracing::error!(warehouse.id = %warehouse, %error, "a secret stays in the secret store: delete it there");
        }
    }

    /// A credential as the ledger is to keep it, in the place of the one that is there.
    pub async fn sealed(&self, warehouse: WarehouseId, credential: &StorageCredential) -> Result<StoredSecret> {
        let before = self.store.secret(warehouse).await?.map_or(0, |secret| secret.version);
        let owner = Owner { warehouse, version: before + 1 };
        let kept = self.secrets.keep(owner, &Plain::new(credential.to_sealable()), self.clock.now_ms()).await?;
        Ok(StoredSecret {
            warehouse_id: warehouse,
            version: owner.version,
            keeper: kept.keeper,
            sealed: kept.sealed,
            updated_at_ms: self.clock.now_ms(),
        })
    }
}

/// A row of the ledger as its keeper knows it.
pub fn kept(secret: &StoredSecret) -> Kept {
    Kept { keeper: secret.keeper.clone(), sealed: secret.sealed.clone() }
}

/// The profile of a warehouse row.
pub fn stored_profile(text: &str) -> Result<StorageProfile> {
    let profile = serde_json::from_str(text).map_err(Error::internal)?;
    StorageProfile::parse(&profile).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::internal(anyhow::anyhow!("a stored profile is not one: {}", problems.join("; ")))
    })
}
