//! A real `weir serve` that can be killed, over state that survives it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Http;
use crate::database::Database;
use crate::engine::Engine;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What outlives a process: a folder, a database, a configuration.
pub struct Installation {
    pub engine: Engine,
    // Dropped first: the folder must not go while somebody writes into the database.
    database: Database,
    home: TempDir,
    settings: Vec<(String, String)>,
    store_url: Option<String>,
}

impl Installation {
    /// `settings` are pairs such as `("WEIR__CATALOG__READ_ONLY", "true")`.
    pub async fn create(engine: Engine, settings: &[(&str, &str)]) -> Self {
        let home = tempfile::Builder::new().prefix("weir-test-").tempdir().expect("a temporary folder");
        fs::create_dir(home.path().join("lake")).expect("a folder in the temporary folder");
        let database = Database::create(engine, home.path()).await;
        let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { engine, database, home, settings, store_url: None }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder of the warehouse `default`.
    pub fn lake(&self) -> PathBuf {
        self.home.path().join("lake")
    }

    /// The database itself, past any detour.
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.settings.retain(|(other, _)| other != name);
    }

    /// Processes started from now on reach the database by another URL, e.g. through a proxy that breaks.
    pub fn reach_store_by(&mut self, url: &str) {
        self.store_url = Some(url.to_owned());
    }

    /// A command of `weir` over this installation, to which arguments can be added.
    pub fn command(&self, listen_port: u16) -> Command {
        let lake = self.lake().display().to_string();
        let mut command = Command::new(binary());
        command
            .current_dir(self.home())
            .env_remove("RUST_LOG")
            .env("WEIR__SERVER__LISTEN", format!("127.0.0.1:{listen_port}"))
            .env("WEIR__METRICS__LISTEN", "127.0.0.1:0")
            .env("WEIR__STORE__URL", self.store_url.as_deref().unwrap_or(self.database.url()))
            .env("WEIR__STORE__CONNECTIONS_MAX", "8")
            .env("WEIR__STORAGE__LOCAL_ROOTS", self.home().display().to_string())
            .env("WEIR__BOOTSTRAP__ENABLED", "true")
            .env("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", lake)
            .env("WEIR__TASKS__POLL_INTERVAL_MS", "50")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        // Where callers say who they are, a program with plugins inside compiles `cedar` first; most tests need not wait.
        let names = |prefix: &str| self.settings.iter().any(|(name, _)| name.starts_with(prefix));
        if names("WEIR__AUTH__") && !names("WEIR__AUTHORIZATION__DEFAULT") {
            command.env("WEIR__AUTHORIZATION__DEFAULT", "administrators");
        }
        command
    }

    /// Starts a process that is ready to answer; several may run over one Postgres.
    pub async fn start(&self) -> Weir {
        for _ in 0..3 {
            if let Some(weir) = self.try_start(free_port()).await {
                return weir;
            }
        }
        panic!("`weir serve` did not start on three ports, its last log:\n{}", self.last_log());
    }

    async fn try_start(&self, port: u16) -> Option<Weir> {
        let mut weir = self.spawn(port);
        weir.is_ready().await.then_some(weir)
    }

    /// A process that may not answer yet, e.g. one that [`Http`] does not reach because it speaks TLS.
    pub fn start_unasked(&self) -> Weir {
        self.spawn(free_port())
    }

    fn spawn(&self, port: u16) -> Weir {
        let log_file = self.home().join(format!("weir-{port}.log"));
        let log = File::options().create(true).append(true).open(&log_file).expect("the log file opens");
        let stderr = log.try_clone().expect("the log file is shared");
        let mut command = self.command(port);
        let child = command.arg("serve").stdin(Stdio::null()).stdout(log).stderr(stderr).spawn();
        let child = child.unwrap_or_else(|error| panic!("{} does not run: {error}", binary().display()));
        Weir { child, port, log_file, is_wanted: true }
    }

    fn last_log(&self) -> String {
        let logs = fs::read_dir(self.home()).expect("the folder is there").filter_map(Result::ok);
        let newest =
            logs.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "log")).max();
        newest.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    }
}

/// One running process; it is killed when this is dropped.
pub struct Weir {
    child: Child,
    port: u16,
    log_file: PathBuf,
    is_wanted: bool,
}

impl Weir {
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log_file).unwrap_or_default()
    }

    /// SIGKILL, as a power cut would; returns when it is gone.
    pub fn kill(&mut self) {
        self.is_wanted = false;
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// SIGTERM; the exit code, or `None` if it is still there after `patience`.
    pub fn terminate(&mut self, patience: Duration) -> Option<i32> {
        self.signal("TERM");
        self.ended(patience)
    }

    /// The exit code of a process that was told to end, or `None` if it is still there after `patience`.
    pub fn ended(&mut self, patience: Duration) -> Option<i32> {
        self.is_wanted = false;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    /// Sends a signal by its name, e.g. `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("there is a kill");
        assert!(sent.success(), "SIG{name} reaches process {}", self.id());
    }

    /// Whether it ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_some()
    }

    async fn is_ready(&mut self) -> bool {
        let http = Http::new(&self.url());
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline && !self.has_ended() {
            if http.get("/health/ready").try_send().await.is_some_and(|answer| answer.status == 200) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.is_wanted = false;
        false
    }
}

impl Drop for Weir {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.is_wanted && std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the end of the server's log:");
            tail.iter().rev().for_each(|line| eprintln!("  {line}"));
        }
    }
}

/// A port that nobody listens on, below those that outgoing connections take.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(31);
    loop {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 9_000;
        let port = 10_000 + u16::try_from(offset).expect("below 9,000");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The `weir` program, built when it is not up to date; `WEIR_BIN` names another one.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("WEIR_BIN") {
        Some(path) => PathBuf::from(path),
        None => build_binary(),
    })
}

fn build_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    let profile_folder = test.parent().and_then(Path::parent).expect("tests lie in <target>/<profile>/deps");
    let target_folder = profile_folder.parent().expect("a profile lies in a target folder");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--bin", "weir", "--target-dir"]).arg(target_folder);
    if profile_folder.ends_with("release") {
        cargo.arg("--release");
    }
    // As the test itself was built: another choice of features would compile the whole host once more.
    if !weir::plugin::load::BUNDLED.is_empty() {
        cargo.args(["--features", "weir/bundled"]);
    }
    // What cargo tells a test of its own package would look like a changed environment to build scripts: all that
    // depends on them would be built again, and once more by the next `cargo test`.
    for (name, _) in std::env::vars_os() {
        let told =
            name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if told || name == "CARGO_CRATE_NAME" || name == "CARGO_BIN_NAME" || name == "CARGO_PRIMARY_PACKAGE" {
            cargo.env_remove(name);
        }
    }
    let built = cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status().expect("cargo runs");
    assert!(built.success(), "`weir` does not compile");
    profile_folder.join("weir")
}
