//! The keys that secrets in the ledger are sealed with.

use std::fmt;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};

use super::key_file::{KeyFile, random_key};
use super::{Kept, Owner, Plain};
use crate::config;
use crate::error::{Error, Result};

/// What the keeper of a secret begins with that was sealed here.
const KEEPER: &str = "key:";

/// The current key, with the one before it while secrets are sealed anew.
pub struct Keyring {
    /// The current one first.
    keys: RwLock<Vec<DataKey>>,
    /// Where a key is made that nobody configured; only beside an embedded ledger.
    file: Option<KeyFile>,
}

struct DataKey {
    /// Tells which key it is, nothing about it.
    id: String,
    key: LessSafeKey,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_list().entries(keys.iter().map(|key| &key.id)).finish()
    }
}

impl Keyring {
    pub(super) fn open(settings: &config::Secrets, ledger: Option<&Path>) -> Result<Self> {
        let configured = settings.key.iter().chain(&settings.previous_key);
        let mut keys = configured.map(|key| DataKey::derive(key.expose())).collect::<Result<Vec<_>>>()?;
        let file = ledger.filter(|_| keys.is_empty()).map(KeyFile::beside);
        if let Some(file) = &file {
            keys = derive_all(&file.read()?)?;
        }
        Ok(Self { keys: RwLock::new(keys), file })
    }

    /// AES-256-GCM under a random nonce, which stands before the ciphertext.
    pub(super) fn seal(&self, owner: Owner, plain: &Plain) -> Result<Kept> {
        self.ensure_key()?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.first().ok_or_else(no_key)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| broken("the system gives no random bytes"))?;
        let mut sealed = plain.expose().to_vec();
        key.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound(owner, &key.id), &mut sealed)
            .map_err(|_| broken("a secret cannot be sealed"))?;
        sealed.splice(0..0, nonce);
        Ok(Kept { keeper: format!("{KEEPER}{}", key.id), sealed })
    }

    pub(super) fn open_sealed(&self, owner: Owner, kept: &Kept) -> Result<Plain> {
        let id = kept.keeper.strip_prefix(KEEPER).unwrap_or_default();
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.iter().find(|key| key.id == id).ok_or_else(|| unknown_key(&kept.keeper))?;
        let damaged = || broken("a secret of the ledger does not open: it was changed, or put in another one's place");
        let (nonce, sealed) = kept.sealed.split_at_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut sealed = sealed.to_vec();
        let opened = key.key.open_in_place(nonce, bound(owner, id), &mut sealed).map_err(|_| damaged())?;
        Ok(Plain::new(&*opened))
    }

    /// Whether the current key sealed it.
    pub fn is_current(&self, kept: &Kept) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.first().is_some_and(|key| kept.keeper.strip_prefix(KEEPER) == Some(key.id.as_str()))
    }

    /// Puts a new key before the one of the key file, so that both open and the new one seals; `false` where the keys
    /// are configured, and so changed by whoever configures them.
    pub fn renew_file(&self) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let present = file.read()?;
        // A renewal that broke off left two: its new key goes on being the new one.
        let renewed = match present.as_slice() {
            [_, _, ..] => present,
            _ => [vec![random_key()?], present].concat(),
        };
        file.replace(&renewed.iter().map(String::as_str).collect::<Vec<_>>())?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = derive_all(&renewed)?;
        Ok(true)
    }

    /// Forgets the older keys of the key file, once nothing is sealed with them.
    pub fn settle_file(&self) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        match file.read()?.first() {
            Some(newest) => file.replace(&[newest]),
            None => Ok(()),
        }
    }

    /// The file of the key, where it is not configured.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(KeyFile::path)
    }

    fn ensure_key(&self) -> Result<()> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if let (Some(file), true) = (&self.file, keys.is_empty()) {
            *keys = derive_all(&file.create()?)?;
        }
        Ok(())
    }
}

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl DataKey {
    fn derive(secret: &str) -> Result<Self> {
        let source = Salt::new(HKDF_SHA256, b"weir secrets v1").extract(secret.as_bytes());
        let underived = |_| broken("a key for secrets cannot be derived");
        let mut id = [0; 6];
        source.expand(&[b"id"], Bytes(id.len())).and_then(|okm| okm.fill(&mut id)).map_err(underived)?;
        let key: UnboundKey = source.expand(&[b"aes-256-gcm"], &AES_256_GCM).map_err(underived)?.into();
        let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id, key: LessSafeKey::new(key) })
    }
}

fn derive_all(keys: &[String]) -> Result<Vec<DataKey>> {
    keys.iter().map(|key| DataKey::derive(key)).collect()
}

/// What a ciphertext belongs to; it opens with nothing else.
fn bound(owner: Owner, key_id: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("weir secret v1\0{}\0{}\0{key_id}", owner.warehouse, owner.version).into_bytes())
}

fn no_key() -> Error {
    Error::bad_request(
        "this server has no key to encrypt secrets with: set `[secrets] key`, WEIR__SECRETS__KEY or \
         WEIR__SECRETS__KEY_FILE, the same on every replica (e.g. of `openssl rand -base64 32`), and start it again",
    )
}

fn unknown_key(keeper: &str) -> Error {
    // Nobody's fault who calls, and over as soon as the operator does one of these.
    Error::unavailable(format!(
        "a secret of the ledger was sealed with `{keeper}`, a key that this server does not have: set it as `[secrets] \
         previous_key`, put the key file back, or set the storage credential anew"
    ))
}

fn broken(message: &str) -> Error {
    Error::internal(anyhow::anyhow!(message.to_owned()))
}
