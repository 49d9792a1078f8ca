//! Two Postgres servers, of which the second follows the first, behind an address that stays.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use weir_tests::free_port;
use weir_tests::tools::succeed;

/// When the primary tells a client that its commit is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// Once the standby has it, too.
    Synchronous,
    Asynchronous,
}

/// A primary with a standby.
pub struct Pair {
    home: TempDir,
    bin: PathBuf,
    pub primary: u16,
    pub standby: u16,
}

impl Pair {
    /// `None` (said aloud) where Postgres is not where Debian puts it.
    pub fn start(replication: Replication) -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|item| Some(item.ok()?.path().join("bin")));
        let bin = versions.filter(|bin| bin.join("pg_basebackup").exists()).max()?;
        let home = tempfile::Builder::new().prefix("weir-pair-").tempdir().expect("a temporary folder");
        let pair = Self { home, bin, primary: free_port(), standby: free_port() };
        let own = Command::new("chown").arg("postgres").arg(pair.home.path()).status();
        assert!(own.is_ok_and(|status| status.success()) || !is_root(), "root lends the folder to postgres");

        let data = pair.data("primary");
        succeed(pair.tool(
            "initdb",
            &["-D", &data, "-U", "weir", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
        ));
        // The standby has to have a commit on its own disk; nobody waits for disks here, only for each other.
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nmax_connections = 100\n\
             synchronous_commit = on\n",
            pair.home.path().display()
        );
        pair.append("primary/postgresql.conf", &settings);
        pair.control(&[
            "-D",
            &data,
            "-o",
            &format!("-p {}", pair.primary),
            "-l",
            &pair.data("primary.log"),
            "-w",
            "start",
        ]);
        let port = pair.primary.to_string();
        let standby = pair.data("standby");
        succeed(pair.tool(
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "weir", "-D", &standby, "-R", "--no-sync", "-c", "fast"],
        ));
        pair.control(&[
            "-D",
            &standby,
            "-o",
            &format!("-p {}", pair.standby),
            "-l",
            &pair.data("standby.log"),
            "-w",
            "start",
        ]);
        let state = match replication {
            Replication::Asynchronous => "async",
            Replication::Synchronous => {
                pair.ask(pair.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
                pair.ask(pair.primary, "SELECT pg_reload_conf()");
                "sync"
            }
        };
        pair.wait_until("SELECT sync_state FROM pg_stat_replication", state);
        Some(pair)
    }

    /// Until the primary answers so.
    fn wait_until(&self, question: &str, answer: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.ask(self.primary, question).trim() != answer {
            assert!(Instant::now() < deadline, "{question}: {}", self.ask(self.primary, question));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The standby has everything of this moment, and gets nothing of what comes.
    pub fn part(&self) {
        self.wait_until("SELECT replay_lsn = pg_current_wal_lsn() FROM pg_stat_replication", "t");
        self.ask(self.standby, "ALTER SYSTEM SET primary_conninfo = ''");
        self.ask(self.standby, "SELECT pg_reload_conf()");
        self.wait_until("SELECT count(*) FROM pg_stat_replication", "0");
    }

    fn data(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn append(&self, file: &str, text: &str) {
        let path = self.home.path().join(file);
        let before = fs::read_to_string(&path).expect("readable");
        fs::write(path, before + text).expect("writable");
    }

    /// A program of Postgres; it refuses to be root, so root lends it to `postgres`.
    fn tool(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = match is_root() {
            true => Command::new("setpriv"),
            false => Command::new(self.bin.join(name)),
        };
        if is_root() {
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(self.bin.join(name));
        }
        command.args(arguments).current_dir(self.home.path()).env("HOME", self.home.path());
        command
    }

    /// `pg_ctl`, whose server must not inherit a pipe that this test reads to its end.
    fn control(&self, arguments: &[&str]) {
        let mut control = self.tool("pg_ctl", arguments);
        control.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let status = control.status().expect("pg_ctl runs");
        assert!(status.success(), "pg_ctl {arguments:?}: {status}");
    }

    pub fn ask(&self, port: u16, statement: &str) -> String {
        let port = port.to_string();
        succeed(
            self.tool(
                "psql",
                &["-h", "127.0.0.1", "-p", &port, "-U", "weir", "-d", "postgres", "-At", "-c", statement],
            ),
        )
    }

    /// As a power cut would: nothing is written any more, nobody is told.
    pub fn kill_primary(&self) {
        self.control(&["-D", &self.data("primary"), "-m", "immediate", "-w", "stop"]);
    }

    pub fn promote_standby(&self) {
        self.control(&["-D", &self.data("standby"), "-w", "promote"]);
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        for name in ["primary", "standby"] {
            let mut stop = self.tool("pg_ctl", &["-D", &self.data(name), "-m", "immediate", "-w", "stop"]);
            let _ = stop.output();
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("there is an id");
    id.stdout.starts_with(b"0")
}

/// The address that stays while servers come and go, as a name in DNS or a balancer would.
pub struct Switch {
    pub address: SocketAddr,
    upstream: Arc<Mutex<u16>>,
}

impl Switch {
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let upstream = Arc::new(Mutex::new(port));
        let current = upstream.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = *current.lock().expect("nobody panicked");
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { address, upstream }
    }

    pub fn to(&self, port: u16) {
        *self.upstream.lock().expect("nobody panicked") = port;
    }
}
