//! Two Postgres servers, of which the first dies while callers commit: what was acknowledged is on the second.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use weir_tests::tools::{is_full_lane, succeed};
use weir_tests::{Engine, Http, Installation, TestServer, bodies, free_port, run_on};

const WRITERS: usize = 8;

/// A primary with a standby that confirms every commit before its client hears of it.
struct Pair {
    home: TempDir,
    bin: PathBuf,
    primary: u16,
    standby: u16,
}

impl Pair {
    /// `None` (said aloud) where Postgres is not where Debian puts it.
    fn start() -> Option<Self> {
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
        pair.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
        pair.ask("SELECT pg_reload_conf()");
        let deadline = Instant::now() + Duration::from_secs(60);
        while pair.ask("SELECT sync_state FROM pg_stat_replication").trim() != "sync" {
            assert!(Instant::now() < deadline, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(pair)
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

    fn ask(&self, statement: &str) -> String {
        let port = self.primary.to_string();
        succeed(
            self.tool(
                "psql",
                &["-h", "127.0.0.1", "-p", &port, "-U", "weir", "-d", "postgres", "-At", "-c", statement],
            ),
        )
    }

    /// As a power cut would: nothing is written any more, nobody is told.
    fn kill_primary(&self) {
        self.control(&["-D", &self.data("primary"), "-m", "immediate", "-w", "stop"]);
    }

    fn promote_standby(&self) {
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
struct Switch {
    address: SocketAddr,
    upstream: Arc<Mutex<u16>>,
}

impl Switch {
    async fn start(port: u16) -> Self {
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

    fn to(&self, port: u16) {
        *self.upstream.lock().expect("nobody panicked") = port;
    }
}

/// What one writer was told.
#[derive(Default)]
struct Told {
    acknowledged: usize,
    /// Commits of which nobody knew whether they were made.
    unknown: Vec<usize>,
    refused: usize,
}

/// Counts up a property of a table of its own until it is stopped.
async fn write(catalog: Http, writer: usize, is_over: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    let path = format!("/namespaces/ns/tables/t{writer}");
    for n in 1.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let body = bodies::commit(json!([]), bodies::set_property("n", &n.to_string()));
        let answer = catalog.post(&path, body).send().await;
        match answer.status {
            200 => told.acknowledged = n,
            500 => {
                answer.expect_error(500, "CommitStateUnknownException");
                told.unknown.push(n);
            }
            // The commit certainly was not made.
            429 | 503 => {
                told.refused += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => panic!("n = {n} was answered with {other}: {}", answer.text()),
        }
    }
    told
}

/// R9: with a synchronous standby a failover loses no commit that somebody was told of, and invents none.
#[test]
fn r9_every_acknowledged_commit_is_there_after_a_failover() {
    run_on(Engine::Postgres, async |_| {
        if !is_full_lane() {
            eprintln!("skipped: two servers of Postgres belong to `make test-full`");
            return;
        }
        let Some(pair) = Pair::start() else {
            eprintln!("skipped: no pg_basebackup below /usr/lib/postgresql");
            return;
        };
        let switch = Switch::start(pair.primary).await;
        let mut installation = Installation::create(Engine::Sqlite, &[]).await;
        installation.reach_store_by(&format!("postgres://weir@{}/postgres", switch.address));
        let server = TestServer::over(installation).await;
        server.create_namespace("ns").await;
        for writer in 0..WRITERS {
            server.create_table("ns", &format!("t{writer}")).await;
        }

        let is_over = Arc::new(AtomicBool::new(false));
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(server.catalog.clone(), writer, is_over.clone())));
        let writers: Vec<_> = writers.collect();
        tokio::time::sleep(Duration::from_secs(2)).await;
        pair.kill_primary();
        pair.promote_standby();
        switch.to(pair.standby);
        let failed_over = Instant::now();
        while server.root.get("/health/ready").send().await.status != 200 {
            assert!(failed_over.elapsed() < Duration::from_secs(60), "{}", server.weir.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("ready again {:?} after the standby was promoted", failed_over.elapsed());
        tokio::time::sleep(Duration::from_secs(2)).await;
        is_over.store(true, Ordering::Relaxed);

        let told = join_all(writers).await;
        for (writer, told) in told.into_iter().enumerate() {
            let told = told.expect("the writer lives");
            let loaded = server.get(&format!("/namespaces/ns/tables/t{writer}")).send().await.expect(200).json();
            let n: usize = loaded["metadata"]["properties"]["n"].as_str().expect("a number").parse().expect("a number");
            println!("t{writer}: {n}; {} refused, {} unknown", told.refused, told.unknown.len());
            assert!(told.acknowledged > 10, "t{writer}: it went on: {}", told.acknowledged);
            let may_be = n == told.acknowledged || (n > told.acknowledged && told.unknown.contains(&n));
            assert!(may_be, "t{writer} is at {n}, {} was acknowledged", told.acknowledged);
            assert_metadata_is_whole(&server, &loaded);
        }
    });
}

/// The file that the pointer names is there, so that engines can read what the catalog tells.
fn assert_metadata_is_whole(server: &TestServer, loaded: &serde_json::Value) {
    let location = loaded["metadata-location"].as_str().expect("a location");
    let path = location.strip_prefix("file://").expect("a local file");
    assert!(Path::new(path).starts_with(server.installation.lake()), "{path}");
    assert!(fs::metadata(path).is_ok_and(|facts| facts.len() > 0), "{path} is missing");
}
