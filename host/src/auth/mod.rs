//! Who is calling.
//!
//! A token leads by its `iss` to one configured issuer; tokens of others are refused before anything leaves this process.

mod caller;
mod claims;
mod crypto;
mod fetch;
mod issuer;
mod key_cache;
mod keys;
mod kubernetes;
mod local;
mod refusal;
mod tokens;

use std::sync::Arc;

use serde_json::Value;

pub use caller::{Caller, CallerKind, Identity};
pub use local::{Grant, LocalKey, new_client_secret, secret_digest};

use crate::config::{Anonymous, Auth};
use crate::error::Error;
use issuer::Issuer;
use kubernetes::Kubernetes;
use refusal::Refusal;
use tokens::{Known, Tokens};

/// How callers prove who they are.
pub struct Authentication {
    /// Whether a request without a token is the anonymous caller's.
    admits_anonymous: bool,
    issuers: Vec<Issuer>,
    kubernetes: Option<Kubernetes>,
    local_key: Option<LocalKey>,
    tokens: Tokens,
}

impl Authentication {
    pub fn open(section: &Auth) -> anyhow::Result<Self> {
        crypto::choose_ring();
        let mut issuers = Vec::new();
        for (name, issuer) in &section.issuers {
            issuers.push(Issuer::open(name, issuer)?);
        }
        let mut local_key = None;
        if let Some(local) = &section.local {
            let key = LocalKey::open_or_make(&local.key_file)?;
            issuers.push(Issuer::own(&local.issuer, local.lifetime_s.max(LOCAL_LIFETIME_S_MAX), key.public_keys()));
            local_key = Some(key);
        }
        Ok(Self {
            admits_anonymous: section.anonymous() != Anonymous::Never,
            issuers,
            kubernetes: section.kubernetes.as_ref().map(Kubernetes::open).transpose()?,
            local_key,
            tokens: Tokens::default(),
        })
    }

    /// The caller behind the `Authorization` header.
    ///
    /// While no issuer is configured a token that comes along is not looked at where anonymous callers are let in, and
    /// none verifies where they are not: closed, not open. With issuers, a bad token is refused even where none is needed.
    pub async fn caller(&self, authorization: Option<&str>, now_ms: i64) -> Result<Caller, Error> {
        let trusts_nobody = self.issuers.is_empty() && self.kubernetes.is_none();
        let Some(authorization) = authorization.filter(|_| !(self.admits_anonymous && trusts_nobody)) else {
            return match self.admits_anonymous {
                true => Ok(Caller::anonymous()),
                false => Err(Error::NotAuthorized(
                    "this catalog needs authentication: send `Authorization: Bearer <token>`".into(),
                )),
            };
        };
        let identity = match bearer(authorization) {
            Some(token) => self.identity(token, now_ms).await,
            None => Err(Refusal::denied("the Authorization header holds no bearer token")),
        };
        identity.map(Caller::proven).map_err(Refusal::told)
    }

    /// The key of `[auth.local]`.
    pub fn local_key(&self) -> Option<&LocalKey> {
        self.local_key.as_ref()
    }

    async fn identity(&self, token: &str, now_ms: i64) -> Result<Arc<Identity>, Refusal> {
        let hash = Tokens::hash(token);
        if let Some(known) = self.tokens.get(&hash, now_ms)
            && self.still_counts(&known, now_ms)
        {
            return Ok(known.identity);
        }
        // Whatever was known of it has to be proven again.
        self.tokens.remove(&hash);
        let known = self.prove(token, now_ms).await?;
        let identity = Arc::clone(&known.identity);
        self.tokens.insert(hash, known);
        Ok(identity)
    }

    fn still_counts(&self, known: &Known, now_ms: i64) -> bool {
        known.signed_by.as_ref().is_none_or(|(at, key)| self.issuers.get(*at).is_some_and(|by| by.holds(key, now_ms)))
    }

    async fn prove(&self, token: &str, now_ms: i64) -> Result<Known, Refusal> {
        let claims = claims::unverified(token).map_err(Refusal::Denied)?;
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some((at, by)) = self.issuers.iter().enumerate().find(|(_, by)| by.issuer == issuer) {
            let proof = by.verify(token, claims, now_ms).await?;
            let signed_by = Some((at, proof.key));
            return Ok(Known { identity: Arc::new(proof.identity), signed_by, until_ms: proof.until_ms });
        }
        match self.kubernetes.as_ref().filter(|cluster| cluster.issuer == issuer) {
            Some(cluster) => {
                let reviewed = cluster.review(token, &claims, now_ms).await?;
                Ok(Known { identity: Arc::new(reviewed.identity), signed_by: None, until_ms: reviewed.until_ms })
            }
            None => Err(Refusal::denied("no configured issuer is the one that it names (`iss`)")),
        }
    }
}

/// `weir token` may be asked for a token that lives longer than the default.
const LOCAL_LIFETIME_S_MAX: u32 = 86_400;

/// The token of an `Authorization` header; the scheme is written in any case.
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
