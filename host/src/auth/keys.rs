//! Public keys of an issuer: which there are, which of them a token may be signed with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// More keys than this are not looked at.
const KEYS_MAX: usize = 100;

/// Names a key by all that it is, so that another key under the same `kid` is another one.
pub(super) type Fingerprint = [u8; 32];

pub(super) struct Key {
    kid: Option<String>,
    algorithms: Vec<Algorithm>,
    pub decoding: DecodingKey,
    pub fingerprint: Fingerprint,
}

/// The keys of one answer of an issuer.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot verify signatures here (shared secrets, unknown kinds, keys to encrypt with)
    /// are left out; what is no JWK set is an error.
    pub fn parse(document: &Value) -> Result<Self, String> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no list `keys`")?;
        if keys.len() > KEYS_MAX {
            return Err(format!("it has {} keys, at most {KEYS_MAX} are looked at", keys.len()));
        }
        Ok(Self { keys: keys.iter().filter_map(Key::parse).collect() })
    }

    pub fn of_one(kid: &str, public_key: &[u8]) -> Self {
        let key = Key {
            kid: Some(kid.to_owned()),
            algorithms: vec![Algorithm::EdDSA],
            decoding: DecodingKey::from_ed_der(public_key),
            fingerprint: Sha256::digest(public_key).into(),
        };
        Self { keys: vec![key] }
    }

    /// The keys that a token of this header may be signed with. A token that names no key fits only where there is no
    /// choice.
    pub fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> Vec<&Key> {
        let fits = |key: &&Key| key.algorithms.contains(&algorithm) && (kid.is_none() || key.kid.as_deref() == kid);
        let found: Vec<&Key> = self.keys.iter().filter(fits).collect();
        if kid.is_none() && found.len() > 1 { Vec::new() } else { found }
    }

    pub fn holds(&self, fingerprint: &Fingerprint) -> bool {
        self.keys.iter().any(|key| key.fingerprint == *fingerprint)
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    fn parse(document: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(document.clone()).ok()?;
        let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
        let may_verify = jwk.common.key_operations.as_ref().is_none_or(|of| of.contains(&KeyOperations::Verify));
        if !is_for_signatures || !may_verify {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm)?;
        if let Some(named) = jwk.common.key_algorithm {
            let named = Algorithm::try_from(named).ok()?;
            algorithms.retain(|algorithm| *algorithm == named);
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        let fingerprint = Sha256::digest(serde_json::to_vec(&jwk).ok()?).into();
        (!algorithms.is_empty()).then(|| Self { kid: jwk.common.key_id, algorithms, decoding, fingerprint })
    }
}

/// What a key of this kind can verify: the token does not choose, its key does.
fn algorithms(parameters: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    Some(match parameters {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => vec![ES256],
            EllipticCurve::P384 => vec![ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        _ => return None,
    })
}
