//! Detached ed25519 signatures over a component's bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::{Refusal, Source};

/// A public key that plugins may be signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    text: String,
    key: [u8; 32],
}

impl TrustedKey {
    /// `ed25519:<base64 of the 32 bytes>`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is no key: `ed25519:` and the base64 of 32 bytes is one");
        let encoded = text.strip_prefix("ed25519:").ok_or_else(wanted)?;
        let key = STANDARD.decode(encoded).ok().and_then(|key| key.try_into().ok()).ok_or_else(wanted)?;
        Ok(Self { text: text.to_owned(), key })
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key).verify(message, signature).is_ok()
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub keys: Vec<TrustedKey>,
    /// Whether what is not built in must be signed.
    pub required: bool,
}

impl Trust {
    /// The key that signed the bytes, or `None` where no signature is needed or given.
    ///
    /// A signature that is there is always checked: a wrong one is refused even where none is needed (I5).
    pub fn check(
        &self,
        source: &Source,
        is_pinned: bool,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> Result<Option<TrustedKey>, Refusal> {
        let Some(signature) = signature else {
            if !self.required || matches!(source, Source::Builtin(_)) {
                return Ok(None);
            }
            let pin = if is_pinned { "a pinned digest does not stand for one" } else { "put it beside the file" };
            let wanted = format!("{source} has no signature, but `plugins.require_signatures` asks for one: {pin}");
            return Err(Refusal::Untrusted(wanted));
        };
        if self.keys.is_empty() {
            let wanted = format!("{source} is signed, but `plugins.trusted_keys` names no key to check it with");
            return Err(Refusal::Untrusted(wanted));
        }
        let signature = decoded(signature)
            .ok_or_else(|| Refusal::Untrusted(format!("the signature of {source} is not the base64 of 64 bytes")))?;
        match self.keys.iter().find(|key| key.signed(bytes, &signature)) {
            Some(key) => Ok(Some(key.clone())),
            None => Err(Refusal::Untrusted(format!(
                "the signature of {source} fits none of the {} trusted keys; it may be of another file or another signer",
                self.keys.len()
            ))),
        }
    }
}

fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?.trim();
    STANDARD.decode(text).ok().filter(|signature| signature.len() == 64)
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn signer(seed: u8) -> (Ed25519KeyPair, TrustedKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed");
        let text = format!("ed25519:{}", STANDARD.encode(pair.public_key()));
        (pair, TrustedKey::parse(&text).expect("a key"))
    }

    fn signature(pair: &Ed25519KeyPair, bytes: &[u8]) -> Vec<u8> {
        STANDARD.encode(pair.sign(bytes)).into_bytes()
    }

    fn file() -> Source {
        Source::File("/p.wasm".into())
    }

    /// T31: only the right signature of these very bytes by a trusted key passes.
    #[test]
    fn only_a_trusted_signature_of_these_bytes_passes() {
        let ((pair, key), (stranger, _)) = (signer(1), signer(2));
        let trust = Trust { keys: vec![key.clone()], required: true };
        let check = |signature: Option<Vec<u8>>| trust.check(&file(), true, b"bytes", signature.as_deref());

        assert_eq!(check(Some(signature(&pair, b"bytes"))), Ok(Some(key)));
        for wrong in [
            None,
            Some(signature(&stranger, b"bytes")),
            Some(signature(&pair, b"other bytes")),
            Some(b"not base64!".to_vec()),
            Some(Vec::new()),
            Some(pair.sign(b"bytes").as_ref().to_vec()),
        ] {
            assert!(matches!(check(wrong.clone()), Err(Refusal::Untrusted(_))), "{wrong:?}");
        }
    }

    /// T32, I5: a signature that nobody can check is refused, also where none is needed.
    #[test]
    fn without_trust_material_a_signature_is_refused() {
        let (pair, _) = signer(1);
        let trust = Trust { keys: Vec::new(), required: false };
        assert_eq!(trust.check(&file(), false, b"bytes", None), Ok(None));
        let signed = trust.check(&file(), false, b"bytes", Some(&signature(&pair, b"bytes")));
        assert!(matches!(signed, Err(Refusal::Untrusted(_))));
    }
}
