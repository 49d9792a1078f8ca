//! Tokens that were verified a moment ago, by the hash of the whole token.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sha2::{Digest, Sha256};

use super::caller::Identity;
use super::keys::Fingerprint;

/// Tokens remembered at most; when there are more, all are forgotten, which costs one verification each.
const TOKENS_MAX: usize = 20_000;

type Hash = [u8; 32];

/// What a verified token proves, for how long.
#[derive(Clone)]
pub(super) struct Known {
    pub identity: Arc<Identity>,
    /// The issuer by its place in the configuration, with the key that signed; `None` where a review proved it.
    pub signed_by: Option<(usize, Fingerprint)>,
    pub until_ms: i64,
}

/// INVARIANT: the key is the hash of the whole token, signature included: claims alone prove nothing.
#[derive(Default)]
pub(super) struct Tokens {
    known: RwLock<HashMap<Hash, Known>>,
}

impl Tokens {
    pub fn hash(token: &str) -> Hash {
        Sha256::digest(token.as_bytes()).into()
    }

    /// What the token proved, if its time is not over. Whether its key still counts is for the one who asks to see.
    pub fn get(&self, hash: &Hash, now_ms: i64) -> Option<Known> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).cloned();
        known.filter(|known| now_ms < known.until_ms)
    }

    pub fn insert(&self, hash: Hash, known: Known) {
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= TOKENS_MAX {
            all.clear();
        }
        all.insert(hash, known);
    }

    pub fn remove(&self, hash: &Hash) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}
