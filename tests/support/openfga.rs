//! A real OpenFGA server with its store in memory, on free ports of the loopback.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Http;
use crate::process::free_port;
use crate::tools::cache;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Everything in it goes when this is dropped.
pub struct OpenFga {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
}

impl OpenFga {
    /// `None` (said aloud) where it is not installed, which CI does not accept.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// `arguments` are flags such as `--listObjects-max-results=3`.
    pub async fn start_with(arguments: &[&str]) -> Option<Self> {
        binary()?;
        let mut server =
            Self { child: None, port: free_port(), arguments: arguments.iter().map(ToString::to_string).collect() };
        server.resume().await;
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// As a power cut would end it; what was stored is lost.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the process can be killed");
            child.wait().expect("the process ends");
        }
    }

    /// Again at the same address, empty.
    pub async fn resume(&mut self) {
        let binary = binary().expect("it was there a moment ago");
        let mut command = Command::new(binary);
        command
            .args(["run", "--datastore-engine=memory", "--playground-enabled=false", "--metrics-enabled=false"])
            .args(["--log-level=warn", "--profiler-enabled=false"])
            .arg(format!("--http-addr=127.0.0.1:{}", self.port))
            .arg(format!("--grpc-addr=127.0.0.1:{}", free_port()))
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().expect("OpenFGA starts"));
        let http = Http::new(&self.url());
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if http.get("/healthz").try_send().await.is_some_and(|answer| answer.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("OpenFGA did not start at {}", self.url());
    }
}

impl Drop for OpenFga {
    fn drop(&mut self) {
        self.stop();
    }
}

fn binary() -> Option<PathBuf> {
    let binary = cache()?.join("bin/openfga");
    if binary.exists() {
        return Some(binary);
    }
    assert!(std::env::var("CI").is_err(), "{} is missing: run tests/setup.sh", binary.display());
    eprintln!("skipped: {} is missing; tests/setup.sh installs it where Go is", binary.display());
    None
}
