//! Secrets by local names: a guest computes with them, it does not see them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use sha2::Sha256;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::super::bindings::base::weir::plugin::secrets::{Host, HostSecret};
use super::super::faults::plain;
use super::super::instance::State;
use super::super::stats::Capability;
use super::super::storage::{Loan, SignedRequest};
use super::sigv4;

/// One secret of one plugin. Clones share it: a replaced value is what every instance computes with from then on.
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<RwLock<Arc<[u8]>>>,
    /// The guest may have the value itself.
    reveal: bool,
}

impl Secret {
    pub fn new(bytes: &[u8], reveal: bool) -> Self {
        Self { bytes: Arc::new(RwLock::new(bytes.into())), reveal }
    }

    /// The secret was rotated.
    pub fn replace(&self, bytes: &[u8]) {
        *self.bytes.write().unwrap_or_else(PoisonError::into_inner) = bytes.into();
    }

    pub(super) fn expose(&self) -> Arc<[u8]> {
        self.bytes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The secrets of one plugin by its own, local names; no other name leads anywhere.
pub type Secrets = BTreeMap<String, Secret>;

/// A secret as a guest holds it.
pub struct SecretHandle {
    secret: Secret,
    /// A storage's key: it serves the purpose of the call under way alone.
    lent: bool,
}

impl SecretHandle {
    pub(in crate::plugin) fn lent(secret: Secret) -> Self {
        Self { secret, lent: true }
    }
}

impl Host for State {
    async fn open(&mut self, local_name: String) -> Result<Result<Resource<SecretHandle>, String>> {
        self.count_host_call()?;
        let Some(secret) = self.loans.secrets.get(&local_name).cloned() else {
            self.loans.counters.denied(Capability::Secret);
            return Ok(Err(format!("not-granted: no secret `{}` is granted to this plugin", plain(&local_name, 64))));
        };
        Ok(Ok(self.table.push(SecretHandle { secret, lent: false })?))
    }
}

impl State {
    pub(super) fn secret(&self, handle: &Resource<SecretHandle>) -> Result<Secret> {
        Ok(self.table.get(handle)?.secret.clone())
    }

    pub(super) fn is_lent(&self, handle: &Resource<SecretHandle>) -> Result<bool> {
        Ok(self.table.get(handle)?.lent)
    }

    /// What a lent key is not for; the guest's own secrets are free.
    fn refuse_lent(
        &self,
        handle: &Resource<SecretHandle>,
        purpose: impl FnOnce(&Loan) -> std::result::Result<(), String>,
    ) -> Result<std::result::Result<(), String>> {
        if !self.is_lent(handle)? {
            return Ok(Ok(()));
        }
        let refusal = match &self.invocation.loan {
            Some(loan) => purpose(loan).err(),
            None => Some("the key is lent in a storage's call alone".to_owned()),
        };
        if refusal.is_some() {
            self.loans.counters.denied(Capability::Secret);
        }
        Ok(refusal.map_or(Ok(()), Err))
    }
}

impl HostSecret for State {
    async fn sign_aws_v4(
        &mut self,
        handle: Resource<SecretHandle>,
        method: String,
        uri: String,
        region: String,
        service: String,
        headers: Vec<(String, String)>,
        payload_sha256: String,
    ) -> Result<Result<Vec<(String, String)>, String>> {
        self.count_host_call()?;
        let asked = SignedRequest { method, uri, region, service, headers, payload_sha256 };
        if let Err(refusal) = self.refuse_lent(&handle, |loan| loan.admit_signature(&asked))? {
            return Ok(Err(refusal));
        }
        let SignedRequest { method, uri, region, service, headers, payload_sha256 } = asked;
        let secret = self.secret(&handle)?.expose();
        let request = sigv4::Request {
            method: &method,
            uri: &uri,
            region: &region,
            service: &service,
            headers: &headers,
            payload_sha256: &payload_sha256,
        };
        let signed = sigv4::Key::parse(&secret).and_then(|key| sigv4::sign(&key, &request, self.now_ms()));
        match (signed, self.is_lent(&handle)?, &mut self.invocation.loan) {
            (Ok(signed), true, Some(loan)) => Ok(Ok(loan.note_signature(signed))),
            (signed, ..) => Ok(signed),
        }
    }

    async fn hmac_sha256(
        &mut self,
        handle: Resource<SecretHandle>,
        message: Vec<u8>,
        key_is_base64: bool,
    ) -> Result<Result<Vec<u8>, String>> {
        self.count_host_call()?;
        if let Err(refusal) = self.refuse_lent(&handle, |loan| loan.admit_message(&message))? {
            return Ok(Err(refusal));
        }
        let secret = self.secret(&handle)?.expose();
        let mac = if key_is_base64 {
            let decoded = STANDARD.decode(secret.trim_ascii());
            decoded.map_err(|_| "the secret is not base64".to_owned()).and_then(|key| hmac_sha256(&key, &message))
        } else {
            hmac_sha256(&secret, &message)
        };
        if let (Ok(mac), true, Some(loan)) = (&mac, self.is_lent(&handle)?, &mut self.invocation.loan) {
            loan.note_mac(mac);
        }
        Ok(mac)
    }

    async fn sign_rs256(
        &mut self,
        handle: Resource<SecretHandle>,
        message: Vec<u8>,
    ) -> Result<Result<Vec<u8>, String>> {
        self.count_host_call()?;
        let never = |_: &Loan| Err("a lent key signs no messages of this kind".to_owned());
        if let Err(refusal) = self.refuse_lent(&handle, never)? {
            return Ok(Err(refusal));
        }
        Ok(sign_rs256(&self.secret(&handle)?.expose(), &message))
    }

    async fn reveal(&mut self, handle: Resource<SecretHandle>) -> Result<Result<Vec<u8>, String>> {
        self.count_host_call()?;
        let secret = self.secret(&handle)?;
        // A lent key is never shown, whatever its own grant says.
        if !secret.reveal || self.is_lent(&handle)? {
            self.loans.counters.denied(Capability::Reveal);
            return Ok(Err("not-granted: the plugin may use this secret, but not see it".to_owned()));
        }
        Ok(Ok(secret.expose().to_vec()))
    }

    async fn drop(&mut self, handle: Resource<SecretHandle>) -> Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(message);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// RSASSA-PKCS1-v1_5 with SHA-256; the secret is a private key in PEM, PKCS#8 or PKCS#1.
fn sign_rs256(pem: &[u8], message: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let no_key = || "the secret is no RSA private key in PEM".to_owned();
    let pair = match rustls_pemfile::read_one_from_slice(pem) {
        Ok(Some((rustls_pemfile::Item::Pkcs8Key(key), _))) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        Ok(Some((rustls_pemfile::Item::Pkcs1Key(key), _))) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(no_key()),
    };
    let pair = pair.map_err(|_| no_key())?;
    let mut signature = vec![0; pair.public().modulus_len()];
    let failed = |_| "the message cannot be signed with this key".to_owned();
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(failed)?;
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secrets = Secrets::from([("api".to_owned(), Secret::new(b"canary-7", true))]);
        assert!(!format!("{secrets:?}").contains("canary"));
    }

    #[test]
    fn t28_a_replaced_secret_is_what_clones_see() {
        let secret = Secret::new(b"old", false);
        let lent = secret.clone();
        secret.replace(b"new");
        assert_eq!(&*lent.expose(), b"new");
    }

    #[test]
    fn hmac_follows_rfc_4231() {
        let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?").unwrap();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn t14_a_secret_that_is_no_key_signs_nothing() {
        for pem in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            let refusal = sign_rs256(pem.as_bytes(), b"message").unwrap_err();
            assert!(refusal.contains("RSA private key"), "{refusal}");
        }
    }
}
