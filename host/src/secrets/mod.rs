//! The keys of storages: sealed for the ledger or handed to a store of secrets, opened only where a storage is reached.

mod key_file;
mod keyring;
mod plain;
mod vault;
mod vault_session;

use std::path::Path;

pub use self::keyring::Keyring;
pub use self::plain::Plain;
use self::vault::Vault;
use crate::catalog::ids::WarehouseId;
use crate::config;
use crate::error::{Error, Result};

/// Whose secret it is. It is bound into the encryption: what was sealed for one owner opens for no other, and an old
/// version put back in the place of a newer one does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub warehouse: WarehouseId,
    /// Starts at 1, grows by one with each secret that replaces another.
    pub version: i64,
}

/// A secret as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Who can open it: `key:<id>` for a key of this server, `vault` for the store of secrets.
    pub keeper: String,
    /// Ciphertext, or where in the store of secrets it lies.
    pub sealed: Vec<u8>,
}

/// Where secrets go, where they come from.
///
/// INVARIANT: a secret leaves this room as [`Plain`] alone, which shows itself to nobody.
#[derive(Debug)]
pub struct Secrets {
    keyring: Keyring,
    /// With it new secrets go there; what the keyring sealed before is still opened.
    vault: Option<Vault>,
}

impl Secrets {
    /// `ledger` is the file of an embedded ledger, beside which a key is kept where the configuration has none.
    pub fn open(settings: &config::Secrets, ledger: Option<&Path>) -> Result<Self> {
        let vault = settings.vault.as_ref().map(Vault::new).transpose()?;
        Ok(Self { keyring: Keyring::open(settings, ledger)?, vault })
    }

    /// Keeps a secret for its owner. 400 where there is no key to seal it with, 503 where the store of secrets does not take
    /// it.
    pub async fn keep(&self, owner: Owner, plain: &Plain, now_ms: i64) -> Result<Kept> {
        match &self.vault {
            Some(vault) => vault.keep(owner, plain, now_ms).await,
            None => self.keyring.seal(owner, plain),
        }
    }

    /// The secret that was kept for this owner.
    pub async fn reveal(&self, owner: Owner, kept: &Kept, now_ms: i64) -> Result<Plain> {
        match (&self.vault, kept.keeper == vault::KEEPER) {
            (Some(vault), true) => vault.reveal(owner, kept, now_ms).await,
            (None, true) => Err(Error::internal(anyhow::anyhow!(
                "the secret of warehouse {} lies in a store of secrets, of which `[secrets.vault]` says nothing here",
                owner.warehouse
            ))),
            (_, false) => self.keyring.open_sealed(owner, kept),
        }
    }

    /// Deletes what lies outside of the ledger, all versions of it; what is in the ledger goes with its row.
    pub async fn forget(&self, warehouse: WarehouseId, now_ms: i64) -> Result<()> {
        match &self.vault {
            Some(vault) => vault.forget(warehouse, now_ms).await,
            None => Ok(()),
        }
    }

    /// Keeps the login of the store of secrets alive while nobody asks for a secret.
    pub async fn tend(&self, now_ms: i64) -> Result<()> {
        match &self.vault {
            Some(vault) => vault.tend(now_ms).await,
            None => Ok(()),
        }
    }

    /// Whether there is a login to keep alive.
    pub fn needs_tending(&self) -> bool {
        self.vault.is_some()
    }

    /// Whether a secret lies where new ones go.
    pub fn is_current(&self, kept: &Kept) -> bool {
        match &self.vault {
            Some(_) => kept.keeper == vault::KEEPER,
            None => self.keyring.is_current(kept),
        }
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}

#[cfg(test)]
mod tests;
