//! The HTTPS listener.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use weir::server::Tls;
use weir_tests::{Engine, Installation};

use crate::support::{Server, read_to_end, status};

struct Files {
    folder: TempDir,
}

impl Files {
    /// A certificate for `localhost` that signs itself.
    fn make() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"])
            .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(files.key())
            .arg("-out")
            .arg(files.certificate())
            .output()
            .expect("openssl is needed: apt-get install openssl");
        assert!(made.status.success(), "{made:?}");
        files
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("tls.crt")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("tls.key")
    }

    fn config(&self) -> String {
        format!("[server.tls]\ncertificate = {:?}\nkey = {:?}", self.certificate(), self.key())
    }
}

impl Files {
    /// A client that trusts this certificate only, offering one protocol.
    fn connector(&self, protocol: &[u8]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.certificate()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

#[tokio::test]
async fn https_serves_http_1() {
    let files = Files::make();
    let server = Server::start(&files.config()).await;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = files.connector(b"http/1.1").connect(name, server.connect().await).await.unwrap();

    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert_eq!(status(&answer), 200, "{answer}");
}

#[tokio::test]
async fn https_serves_http_2() {
    let files = Files::make();
    let server = Server::start(&files.config()).await;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = files.connector(b"h2").connect(name, server.connect().await).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let io = TokioIo::new(stream);
    let (mut client, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);

    let request = hyper::Request::get("https://localhost/health/live").body(String::new()).unwrap();
    let answer = client.send_request(request).await.unwrap();

    assert_eq!(answer.status(), 200);
    assert_eq!(answer.version(), hyper::Version::HTTP_2);
}

/// The name in a certificate is the public one, so a health check from inside goes by the certificate itself.
#[tokio::test]
async fn healthcheck_trusts_exactly_the_configured_certificate() {
    let (files, others) = (Files::make(), Files::make());
    let server = Server::start(&files.config()).await;
    let installation = Installation::create(Engine::Sqlite, &[]).await;

    for (trusted, code) in [(&files, 0), (&others, 4)] {
        let mut command = installation.command(server.address.port());
        command.args(["healthcheck", "--live"]);
        command.env("WEIR__SERVER__TLS__CERTIFICATE", trusted.certificate());
        command.env("WEIR__SERVER__TLS__KEY", trusted.key());
        let checked = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();

        assert_eq!(checked.status.code(), Some(code), "{checked:?}");
    }
}

#[tokio::test]
async fn plain_text_on_the_https_port_is_not_answered() {
    let files = Files::make();
    let server = Server::start(&files.config()).await;
    let mut stream = server.connect().await;

    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: weir\r\n\r\n").await.unwrap();

    assert_eq!(status(&read_to_end(&mut stream).await), 0);
}

#[test]
fn a_key_in_the_place_of_the_certificate_is_explained_without_being_shown() {
    let files = Files::make();
    let key = std::fs::read_to_string(files.key()).unwrap();
    let line = key.lines().nth(1).unwrap();

    let error = format!("{:#}", Tls::load(&files.key(), &files.key()).err().unwrap());

    assert!(error.contains("holds no certificate"), "{error}");
    assert!(!error.contains(line), "{error}");
}
