//! The HTTPS listener.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
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

    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
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

impl Files {
    /// As Kubernetes does it: `tls.crt` and `tls.key` lead through a link, which is swapped for another one.
    fn through_link(&self) -> String {
        let base = self.folder.path();
        fs::create_dir(base.join("first")).unwrap();
        for name in ["tls.crt", "tls.key"] {
            fs::rename(base.join(name), base.join("first").join(name)).unwrap();
            symlink(Path::new("data").join(name), base.join(name)).unwrap();
        }
        symlink("first", base.join("data")).unwrap();
        format!("{}\nreload_interval_s = 1", self.config())
    }

    fn swap(&self, to: &Path) {
        let base = self.folder.path();
        symlink(to, base.join("data.new")).unwrap();
        fs::rename(base.join("data.new"), base.join("data")).unwrap();
    }

    /// Whether the server shows this certificate.
    async fn is_shown(&self, server: &Server) -> bool {
        let name = ServerName::try_from("localhost").unwrap();
        self.connector(b"http/1.1").connect(name, server.connect().await).await.is_ok()
    }
}

/// Asks until it is so; the server looks at its files once a second.
async fn comes_true<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) -> bool {
    for _ in 0..300 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart() {
    let (first, second) = (Files::make(), Files::make());
    let server = Server::start(&first.through_link()).await;
    // The connector trusts what the file held when the server started.
    let name = || ServerName::try_from("localhost").unwrap();
    let old = first.connector(b"http/1.1");
    assert!(old.connect(name(), server.connect().await).await.is_ok());

    first.swap(second.folder.path());

    assert!(comes_true(async || second.is_shown(&server).await).await, "the new certificate is shown");
    assert!(old.connect(name(), server.connect().await).await.is_err());
}

#[tokio::test]
async fn the_last_good_certificate_is_kept() {
    let (good, better) = (Files::make(), Files::make());
    let mut installation = Installation::create(Engine::Sqlite, &[]).await;
    good.through_link();
    installation.set("WEIR__SERVER__TLS__CERTIFICATE", good.certificate().to_str().unwrap());
    installation.set("WEIR__SERVER__TLS__KEY", good.key().to_str().unwrap());
    installation.set("WEIR__SERVER__TLS__RELOAD_INTERVAL_S", "1");
    let weir = installation.start_unasked();
    let connector = good.connector(b"http/1.1");
    let shows_old = async || {
        let name = ServerName::try_from("localhost").unwrap();
        let Ok(stream) = TcpStream::connect(weir.url().trim_start_matches("http://")).await else { return false };
        connector.connect(name, stream).await.is_ok()
    };
    assert!(comes_true(shows_old).await, "{}", weir.log());
    // The certificate of another key: half of a change.
    let half = tempfile::tempdir().unwrap();
    fs::copy(better.certificate(), half.path().join("tls.crt")).unwrap();
    fs::copy(good.key(), half.path().join("tls.key")).unwrap();

    good.swap(half.path());

    assert!(comes_true(async || weir.log().contains("the last good one is still shown")).await, "{}", weir.log());
    assert!(shows_old().await);
    good.swap(better.folder.path());
    assert!(comes_true(async || weir.log().contains("new connections see the new one")).await, "{}", weir.log());
    assert_eq!(weir.log().matches("the last good one is still shown").count(), 1, "{}", weir.log());
}

#[tokio::test]
async fn plain_text_on_the_https_port_is_not_answered() {
    let files = Files::make();
    let server = Server::start(&files.config()).await;
    let mut stream = server.connect().await;

    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();

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
