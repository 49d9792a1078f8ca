//! PgBouncer in transaction mode, as Weir meets it in front of Postgres.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::free_port;

const PROGRAM: &str = "/usr/sbin/pgbouncer";
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Fewer than Weir opens, so that transactions of one client meet several sessions, and one session several clients.
const SESSIONS: u16 = 3;

/// A running pooler; it ends when this is dropped.
pub struct Pooler {
    child: Child,
    port: u16,
    home: TempDir,
}

impl Pooler {
    /// In front of the host of `postgres_url`; `None` (said aloud) where PgBouncer is not installed.
    pub fn start(postgres_url: &str) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            assert!(std::env::var("CI").is_err(), "{PROGRAM} is missing: run tests/setup.sh full");
            eprintln!("skipped: {PROGRAM} is missing; `make test-full` installs it");
            return None;
        }
        let home = tempfile::Builder::new().prefix("weir-pooler-").tempdir().expect("a temporary folder");
        let port = free_port();
        fs::write(home.path().join("pgbouncer.ini"), settings(home.path(), postgres_url, port)).expect("a file");
        fs::write(home.path().join("users.txt"), format!("\"{}\" \"\"\n", user(postgres_url))).expect("a file");
        // Others may look into it and write its log, because root lends the program to nobody.
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).expect("a folder of one's own");
        let mut command = unprivileged(PROGRAM);
        command.arg(home.path().join("pgbouncer.ini")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("PgBouncer runs");
        let mut pooler = Self { child, port, home };
        pooler.wait_until_ready();
        Some(pooler)
    }

    /// The same URL by way of this pooler.
    pub fn url(&self, postgres_url: &str) -> String {
        postgres_url.replace(authority(postgres_url), &format!("127.0.0.1:{}", self.port))
    }

    /// What it has to say about refused clients, broken sessions.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("pgbouncer.log")).unwrap_or_default()
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            let ended = self.child.try_wait().expect("the process can be asked");
            assert!(ended.is_none() && Instant::now() < deadline, "PgBouncer did not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The strictest pooler: unknown start parameters are refused, named statements are unknown to it.
fn settings(home: &Path, postgres_url: &str, port: u16) -> String {
    let (host, upstream_port) = authority(postgres_url).split_once(':').unwrap_or((authority(postgres_url), "5432"));
    let home = home.display();
    format!(
        "[databases]\n* = host={host} port={upstream_port}\n\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {home}/users.txt\npool_mode = transaction\n\
         default_pool_size = {SESSIONS}\nmax_client_conn = 200\nlogfile = {home}/pgbouncer.log\n"
    )
}

/// PgBouncer refuses to run as root.
fn unprivileged(program: &str) -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", program]);
    command
}

fn user(url: &str) -> &str {
    let (before, _) = url.split_once('@').expect("a URL with a user");
    let (_, user) = before.split_once("://").expect("a URL with a scheme");
    user.split(':').next().unwrap_or(user)
}

fn authority(url: &str) -> &str {
    let (_, rest) = url.split_once('@').expect("a URL with a user");
    rest.split_once('/').expect("a URL with a database").0
}
