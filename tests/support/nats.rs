//! A real NATS server with JetStream, whose streams outlive it, on a free port of the loopback.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::free_port;
use crate::tools::cache;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const USER: &str = "weir";
const PASSWORD: &str = "canary-password";

/// Everything in it goes when this is dropped.
pub struct Nats {
    child: Option<Child>,
    port: u16,
    home: TempDir,
}

impl Nats {
    /// `None` (said aloud) where it is not installed, which CI does not accept.
    pub async fn start() -> Option<Self> {
        binary()?;
        let mut server = Self { child: None, port: free_port(), home: tempfile::tempdir().expect("a folder") };
        server.resume().await;
        Some(server)
    }

    /// With the name and the password that it asks for.
    pub fn url(&self) -> String {
        format!("nats://{USER}:{PASSWORD}@{}", self.address())
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn user(&self) -> &str {
        USER
    }

    pub fn password(&self) -> &str {
        PASSWORD
    }

    /// As a power cut would end it; the streams stay on the disk.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the process can be killed");
            child.wait().expect("the process ends");
        }
    }

    /// Again at the same address, with what it kept.
    pub async fn resume(&mut self) {
        let mut command = Command::new(binary().expect("it was there a moment ago"));
        command
            .args(["--jetstream", "--addr", "127.0.0.1", "--user", USER, "--pass", PASSWORD])
            .args(["--port", &self.port.to_string()])
            .arg("--store_dir")
            .arg(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().expect("NATS starts"));
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("NATS did not start on port {}", self.port);
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.stop();
    }
}

fn binary() -> Option<PathBuf> {
    let binary = cache()?.join("bin/nats-server");
    if binary.exists() {
        return Some(binary);
    }
    assert!(std::env::var("CI").is_err(), "{} is missing: run tests/setup.sh", binary.display());
    eprintln!("skipped: {} is missing; tests/setup.sh installs it where Go is", binary.display());
    None
}
