//! A real Keycloak with its realm in memory, on a free port of the loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Http;
use crate::process::free_port;
use crate::tools::cache;

/// It compiles itself with its first start.
const START_TIMEOUT: Duration = Duration::from_secs(300);
const REALM: &str = "lake";
const CLIENT: &str = "etl";
const SECRET: &str = "correct-horse";

/// One at a time: its folder is its own to write. It ends when this is dropped.
pub struct Keycloak {
    child: Child,
    port: u16,
}

impl Keycloak {
    /// The client and the secret that it gives tokens for.
    pub const CREDENTIAL: &str = "etl:correct-horse";

    /// `None` (said aloud) where it is not installed, which CI does not accept.
    pub async fn start() -> Option<Self> {
        let home = home()?;
        let import = home.join("data/import");
        fs::create_dir_all(&import).expect("its folder can be written");
        fs::write(import.join("lake-realm.json"), realm().to_string()).expect("its folder can be written");
        let port = free_port();
        let child = command(&home, port).spawn().expect("Keycloak starts");
        let keycloak = Self { child, port };
        keycloak.wait().await;
        Some(keycloak)
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}/realms/{REALM}", self.port)
    }

    pub fn token_uri(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.issuer())
    }

    /// A token of the client, as any client would get it.
    pub async fn token(&self) -> String {
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
        let ask = Http::new(&self.token_uri()).ask(reqwest::Method::POST, "").form(form);
        let told = ask.send().await.expect(200).json();
        told["access_token"].as_str().expect("a token").to_owned()
    }

    async fn wait(&self) {
        let http = Http::new(&self.issuer());
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            let answer = http.get("/.well-known/openid-configuration").try_send().await;
            if answer.is_some_and(|answer| answer.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("Keycloak did not start at {}", self.issuer());
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        // Its script hands over to Java, so there is one process to end.
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }
}

fn command(home: &Path, port: u16) -> Command {
    let mut command = Command::new("bash");
    command
        .arg(home.join("bin/kc.sh"))
        .args(["start-dev", "--import-realm", "--db=dev-mem", "--http-host=127.0.0.1"])
        .arg(format!("--http-port={port}"))
        .arg(format!("--hostname=http://127.0.0.1:{port}"))
        .env("JAVA_OPTS_APPEND", "-Xmx512m")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// One confidential client whose tokens are meant for Weir, in one role.
fn realm() -> Value {
    let audience = json!({
        "name": "weir", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": "weir", "access.token.claim": "true"},
    });
    json!({
        "realm": REALM,
        "enabled": true,
        "sslRequired": "none",
        "roles": {"realm": [{"name": "readers"}]},
        "clients": [{
            "clientId": CLIENT, "secret": SECRET, "enabled": true, "publicClient": false,
            "serviceAccountsEnabled": true, "standardFlowEnabled": false, "protocolMappers": [audience],
        }],
        "users": [{
            "username": format!("service-account-{CLIENT}"), "enabled": true, "serviceAccountClientId": CLIENT,
            "realmRoles": ["readers"],
        }],
    })
}

fn home() -> Option<PathBuf> {
    let home = cache()?.join("keycloak");
    if home.join("bin/kc.sh").exists() {
        return Some(home);
    }
    assert!(std::env::var("CI").is_err(), "{} is missing: run tests/setup.sh full", home.display());
    eprintln!("skipped: {} is missing; `tests/setup.sh full` installs it where Maven is", home.display());
    None
}
