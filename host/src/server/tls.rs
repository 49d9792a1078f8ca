//! HTTPS: a certificate with its key from PEM files.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// The TLS side of a listener; offers HTTP/2, then HTTP/1.1.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads both files. The key's bytes never reach an error.
    pub fn load(certificate: &Path, key: &Path) -> anyhow::Result<Self> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(read_chain(certificate)?, read_key(key)?)
            .with_context(|| format!("`{}` does not go with `{}`", certificate.display(), key.display()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}

fn open(path: &Path) -> anyhow::Result<io::BufReader<std::fs::File>> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    Ok(io::BufReader::new(file))
}

fn read_chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = rustls_pemfile::certs(&mut open(path)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("`{}` is not PEM", path.display()))?;
    if chain.is_empty() {
        return Err(anyhow!("`{}` holds no certificate: expected `-----BEGIN CERTIFICATE-----`", path.display()));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    rustls_pemfile::private_key(&mut open(path)?)
        .with_context(|| format!("`{}` is not PEM", path.display()))?
        .ok_or_else(|| anyhow!("`{}` holds no private key: expected `-----BEGIN PRIVATE KEY-----`", path.display()))
}
