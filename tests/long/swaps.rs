//! An authorizer whose versions replace each other while a catalog serves.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use weir_tests::TestServer;
use weir_tests::guests::guest;

/// Between two versions; a short soak sees six of them, too.
const INTERVAL_MAX: Duration = Duration::from_secs(60);

/// How long a version may take to come into place on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder of plugins that a catalog watches.
pub struct Swaps {
    home: TempDir,
}

impl Swaps {
    /// With the first version in place.
    pub fn prepare() -> Self {
        let swaps = Self { home: tempfile::tempdir().expect("a folder") };
        fs::create_dir(swaps.folder()).expect("a folder");
        let token = swaps.home.path().join("token");
        fs::write(&token, "not-so-secret").expect("writable");
        let declared = format!(
            "egress = ['http://127.0.0.1:1']\nsecrets.api-token = 'file:{}'\nsettings = {{ answer = 'allow' }}\n\
             limits.deadline_ms = 20000\n",
            token.display()
        );
        fs::write(swaps.folder().join("policy.toml"), declared).expect("writable");
        swaps.put(&version(0));
        swaps
    }

    pub fn folder(&self) -> PathBuf {
        self.home.path().join("plugins")
    }

    /// Whole, by a rename, as operators should.
    fn put(&self, component: &[u8]) {
        let part = self.folder().join(".policy.part");
        fs::write(&part, component).expect("writable");
        fs::rename(&part, self.folder().join("policy.wasm")).expect("renamed");
    }

    /// One version after the other until the end; how many came into place.
    pub async fn swap_until(&self, server: &TestServer, time: Duration) -> u8 {
        let end = Instant::now() + time;
        let interval = INTERVAL_MAX.min(time / 7);
        let mut swapped = 0;
        while Instant::now() + interval < end {
            tokio::time::sleep(interval).await;
            let next = version(swapped + 1);
            self.put(&next);
            in_place(server, &weir::plugin::load::Digest::of(&next).to_string()).await;
            swapped += 1;
        }
        swapped
    }
}

/// Until the version with this digest decides.
async fn in_place(server: &TestServer, sha256: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = server.root.get("/management/v1/plugins").send().await.expect(200).json();
        let policy = &told["plugins"][0];
        if policy["in-place"]["sha256"] == sha256 && policy["state"] == "active" {
            return;
        }
        assert!(Instant::now() < deadline, "{sha256} does not come into place: {told:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A component that does the same as the guest, but has other bytes: a custom section more.
fn version(number: u8) -> Vec<u8> {
    let mut component = fs::read(guest("guest")).expect("built");
    component.extend([0, 3, 1, b'v', number]);
    component
}
