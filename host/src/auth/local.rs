//! The catalog as an issuer of its own: a key in a file, short-lived tokens.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::crypto::choose_ring;
use super::keys::KeySet;

/// The secret of a client that is made here, before it is written in hexadecimal digits.
const SECRET_BYTES: usize = 32;

/// The key that signs the catalog's own tokens.
pub struct LocalKey {
    pkcs8: Vec<u8>,
    kid: String,
    public: Vec<u8>,
}

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
    pub roles: &'a [String],
    pub lifetime_s: u32,
    /// Whether a program asks for itself.
    pub is_client: bool,
}

impl LocalKey {
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path)
            .with_context(|| format!("`auth.local.key_file` {}: `weir token` makes it", path.display()))?;
        refuse_readable_by_others(path)?;
        let key = rustls_pemfile::private_key(&mut text.as_slice())?;
        let key =
            key.with_context(|| format!("`auth.local.key_file` {} holds no private key in PEM", path.display()))?;
        Self::of(key.secret_der().to_vec())
            .with_context(|| format!("`auth.local.key_file` {} holds no Ed25519 key (PKCS #8)", path.display()))
    }

    /// The same; the key is made where the file is missing, readable by its owner alone.
    pub fn open_or_make(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            return Self::open(path);
        }
        let made =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| anyhow::anyhow!("no randomness"))?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("the folder of {}", path.display()))?;
        }
        let lines = STANDARD.encode(made.as_ref());
        write_secret(path, &format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n"))
            .with_context(|| format!("`auth.local.key_file` {}", path.display()))?;
        Self::of(made.as_ref().to_vec())
    }

    fn of(pkcs8: Vec<u8>) -> anyhow::Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| anyhow::anyhow!("it is none"))?;
        let public = pair.public_key().as_ref().to_vec();
        let kid = URL_SAFE_NO_PAD.encode(&Sha256::digest(&public)[..12]);
        Ok(Self { pkcs8, kid, public })
    }

    pub(super) fn public_keys(&self) -> KeySet {
        KeySet::of_one(&self.kid, &self.public)
    }

    /// A signed token.
    pub fn token(&self, grant: &Grant<'_>, now_ms: i64) -> anyhow::Result<String> {
        choose_ring();
        let now_s = now_ms.div_euclid(1_000);
        let mut claims = json!({
            "iss": grant.issuer,
            "aud": grant.issuer,
            "sub": grant.subject,
            "iat": now_s,
            "exp": now_s + i64::from(grant.lifetime_s),
            "roles": grant.roles,
        });
        if grant.is_client {
            claims["client_id"] = json!(grant.subject);
        }
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &EncodingKey::from_ed_der(&self.pkcs8))?)
    }
}

/// A secret for a client, with the digest that the configuration keeps of it.
pub fn new_client_secret() -> anyhow::Result<(String, String)> {
    let mut bytes = [0; SECRET_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("no randomness"))?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    let digest = secret_digest(&secret);
    Ok((secret, digest))
}

/// What the configuration keeps of a secret.
pub fn secret_digest(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn refuse_readable_by_others(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        bail!("`auth.local.key_file` {} has mode {mode:03o}: everybody can read it; `chmod 600` it", path.display());
    }
    Ok(())
}

#[cfg(unix)]
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
