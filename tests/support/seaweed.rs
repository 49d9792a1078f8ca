//! A real SeaweedFS on free ports of the loopback: keys, policies, signatures are judged by code of other makers.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Http;
use crate::process::free_port;
use crate::tools::installed;

const START_TIMEOUT: Duration = Duration::from_secs(120);
const ACCESS_KEY_ID: &str = "AKIAWEIRTESTSEAWEED1";
const SECRET_ACCESS_KEY: &str = "canary/Secret+Key-of=the~other-storage01";
const ROLE: &str = "arn:aws:iam::000000000000:role/lake";

/// A running server with the bucket `lake`; everything in it goes when this is dropped.
pub struct Seaweed {
    child: Child,
    port: u16,
    home: TempDir,
}

impl Seaweed {
    pub const REGION: &str = "us-east-1";

    /// `None` (said aloud) where it is not installed, which CI does not accept.
    pub async fn start() -> Option<Self> {
        let mut command = installed("weed")?;
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("iam.json"), identities().to_string()).expect("a file");
        let port = free_port();
        configure(&mut command, home.path().display().to_string(), port);
        let log = fs::File::create(home.path().join("weed.log")).expect("a file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let mut server = Self { child: command.spawn().expect("SeaweedFS starts"), port, home };
        server.wait().await;
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The storage profile of the management API; the catalog, as its clients, comes by sessions of a role.
    pub fn profile(&self, key_prefix: &str) -> Value {
        json!({
            "type": "s3", "bucket": "lake", "key-prefix": key_prefix, "region": Self::REGION, "endpoint": self.url(),
            "flavor": "s3-compat", "path-style-access": true, "sts-enabled": true, "assume-role-arn": ROLE,
        })
    }

    pub fn credential() -> Value {
        json!({
            "type": "s3", "credential-type": "access-key", "access-key-id": ACCESS_KEY_ID,
            "secret-access-key": SECRET_ACCESS_KEY,
        })
    }

    async fn wait(&mut self) {
        let http = Http::new(&self.url());
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if http.get("/status").try_send().await.is_some_and(|answer| answer.status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                panic!("SeaweedFS ended with {status}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("SeaweedFS did not start at {}:\n{}", self.url(), self.log());
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.home.path().join("weed.log")).unwrap_or_default();
        log.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every part on a port of its own, nothing that is not needed, no word to its makers.
fn configure(command: &mut Command, home: String, s3_port: u16) {
    let ports = ["master", "volume", "filer"]
        .into_iter()
        .flat_map(|part| [format!("-{part}.port={}", free_port()), format!("-{part}.port.grpc={}", free_port())]);
    command
        .current_dir(&home)
        .env("HOME", &home)
        .args(["mini", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-bucket=lake", "-webdav=false", "-admin.ui=false"])
        .args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-admin.port.legacy=0", "-master.telemetry=false"])
        .args(ports)
        .args([format!("-s3.port={s3_port}"), format!("-s3.port.grpc={}", free_port())])
        .args([
            format!("-dir={home}"),
            format!("-s3.config={home}/iam.json"),
            format!("-s3.iam.config={home}/iam.json"),
        ]);
}

/// One key that opens one role; what a session of it may do is up to its policy.
fn identities() -> Value {
    let allow = |what: Value| json!({"Version": "2012-10-17", "Statement": [what]});
    json!({
        "identities": [{
            "name": "catalog",
            "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
            "actions": ["Admin"],
        }],
        "sts": {
            "tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "weir-tests",
            "signingKey": "dGVzdHMtb2Ytd2Vpci1zaWduLXdpdGgtdGhpcy1rZXktMDE=",
        },
        "roles": [{
            "roleName": "lake", "roleArn": ROLE, "attachedPolicies": ["everything"],
            "trustPolicy": allow(json!({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})),
        }],
        "policies": [{
            "name": "everything",
            "document": allow(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
        }],
    })
}
