//! The certificate that a listener shows: what its files hold, the last good of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::{Context, anyhow};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

/// A certificate that can be replaced while connections are taken.
#[derive(Debug)]
pub(super) struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
    /// Of the files that were tried last, good or bad, so that each change is told once.
    tried: Mutex<[u8; 32]>,
}

impl Shown {
    pub(super) fn read(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let (files, tried) = Files::read(certificate, key)?;
        let current = RwLock::new(Arc::new(files.certified()?));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current, tried: Mutex::new(tried) })
    }

    /// Shows what the files hold by now; where that is no certificate with its key, what was shown stays.
    ///
    /// The two files are never replaced in one moment, so a pair that does not match now may match at the next look.
    pub(super) fn follow(&self) {
        let changed = match Files::read(&self.certificate, &self.key) {
            Ok((_, digest)) if digest == self.swap_tried(digest) => return,
            Ok((files, _)) => files.certified(),
            Err(error) if self.swap_tried([0; 32]) != [0; 32] => Err(error),
            Err(_told_before) => return,
        };
        let path = self.certificate.display();
        match changed {
            Ok(certified) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                tracing::info!(tls.certificate = %path, "the TLS certificate has changed; new connections see the new one");
            }
            Err(error) => tracing::error!(
                tls.certificate = %path, error = format!("{error:#}"),
                "the TLS certificate has changed to one that cannot be used; the last good one is still shown"
            ),
        }
    }

    fn swap_tried(&self, digest: [u8; 32]) -> [u8; 32] {
        std::mem::replace(&mut *self.tried.lock().unwrap_or_else(PoisonError::into_inner), digest)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Both files as they were read; the key's bytes never reach an error.
struct Files<'a> {
    certificate: (&'a Path, Vec<u8>),
    key: (&'a Path, Vec<u8>),
}

impl<'a> Files<'a> {
    fn read(certificate: &'a Path, key: &'a Path) -> anyhow::Result<(Self, [u8; 32])> {
        let files = Self { certificate: (certificate, read(certificate)?), key: (key, read(key)?) };
        let (first, second) = (Sha256::digest(&files.certificate.1), Sha256::digest(&files.key.1));
        let digest = Sha256::new().chain_update(first).chain_update(second).finalize().into();
        Ok((files, digest))
    }

    fn certified(&self) -> anyhow::Result<CertifiedKey> {
        let (chain, key) = (parse_chain(self.certificate.0, &self.certificate.1)?, parse_key(self.key.0, &self.key.1)?);
        CertifiedKey::from_der(chain, key, &ring::default_provider())
            .with_context(|| format!("`{}` does not go with `{}`", self.certificate.0.display(), self.key.0.display()))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot open `{}`", path.display()))
}

pub(super) fn read_chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    parse_chain(path, &read(path)?)
}

fn parse_chain(path: &Path, mut pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = rustls_pemfile::certs(&mut pem)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("`{}` is not PEM", path.display()))?;
    if chain.is_empty() {
        return Err(anyhow!("`{}` holds no certificate: expected `-----BEGIN CERTIFICATE-----`", path.display()));
    }
    Ok(chain)
}

fn parse_key(path: &Path, mut pem: &[u8]) -> anyhow::Result<PrivateKeyDer<'static>> {
    rustls_pemfile::private_key(&mut pem)
        .with_context(|| format!("`{}` is not PEM", path.display()))?
        .ok_or_else(|| anyhow!("`{}` holds no private key: expected `-----BEGIN PRIVATE KEY-----`", path.display()))
}
