//! The keys of storages: sealed for the ledger, opened only where a storage is reached.

mod key_file;
mod keyring;
mod plain;

use std::path::Path;

pub use self::keyring::Keyring;
pub use self::plain::Plain;
use crate::catalog::ids::WarehouseId;
use crate::config;
use crate::error::Result;

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
    /// Who can open it: `key:<id>` for a key of this server.
    pub keeper: String,
    /// Ciphertext.
    pub sealed: Vec<u8>,
}

/// Where secrets go, where they come from.
///
/// INVARIANT: a secret leaves this room as [`Plain`] alone, which shows itself to nobody.
#[derive(Debug)]
pub struct Secrets {
    keyring: Keyring,
}

impl Secrets {
    /// `ledger` is the file of an embedded ledger, beside which a key is kept where the configuration has none.
    pub fn open(settings: &config::Secrets, ledger: Option<&Path>) -> Result<Self> {
        Ok(Self { keyring: Keyring::open(settings, ledger)? })
    }

    /// Seals a secret for its owner. 400 where there is no key to seal it with.
    pub fn keep(&self, owner: Owner, plain: &Plain) -> Result<Kept> {
        self.keyring.seal(owner, plain)
    }

    /// The secret that was kept for this owner.
    pub fn reveal(&self, owner: Owner, kept: &Kept) -> Result<Plain> {
        self.keyring.open_sealed(owner, kept)
    }

    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}

#[cfg(test)]
mod tests;
