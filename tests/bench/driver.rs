//! Starts Weir itself on one engine, measures how it starts, hands it to the generator.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};
use weir_tests::OpenFga;

use crate::dataset::Dataset;
use crate::goals::Engine;
use crate::governed;
use crate::granted;
use crate::postgres::Database;
use crate::process::Process;
use crate::report::{Fact, milliseconds};
use crate::target::{Door, Target};
use crate::tokens::Tokens;
use crate::wire::{Connection, Request};

/// How often the start is measured; the middle one is told.
const STARTS: usize = 5;
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(15);
/// How long a server rests before its memory is read.
const REST: Duration = Duration::from_secs(1);

/// A Weir with a store of its own, which goes away with it.
pub struct Weir {
    binary: PathBuf,
    home: tempfile::TempDir,
    store_url: String,
    database: Option<Database>,
    address: SocketAddr,
    tokens: Tokens,
    settings: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Weir {
    /// Prepares an empty store; nothing runs yet.
    pub async fn new(binary: &Path, engine: Engine) -> Result<Self> {
        let binary =
            binary.canonicalize().with_context(|| format!("there is no {} yet: build it", binary.display()))?;
        let home = tempfile::Builder::new().prefix("weir-bench-").tempdir()?;
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create().await?),
        };
        let sqlite = || format!("sqlite:{}", home.path().join("weir.db").display());
        let store_url = database.as_ref().map_or_else(sqlite, |database| database.url.clone());
        let address = free_address()?;
        let tokens = Tokens::create(home.path())?;
        Ok(Self { binary, home, store_url, database, address, tokens, settings: Vec::new(), child: None })
    }

    /// The same, with four plugins of which one decides what the generator may do.
    pub async fn governed(binary: &Path, engine: Engine) -> Result<Self> {
        let weir = Self::new(binary, engine).await?;
        governed::write_configuration(weir.home.path())?;
        Ok(weir)
    }

    /// The same with further settings.
    pub fn with(self, settings: Vec<(&'static str, String)>) -> Self {
        Self { settings, ..self }
    }

    /// The same, with the plugin `openfga` over this server.
    pub async fn granted(binary: &Path, engine: Engine, openfga: &OpenFga) -> Result<Self> {
        let weir = Self::new(binary, engine).await?;
        granted::write_configuration(weir.home.path(), openfga)?;
        Ok(weir)
    }

    /// Where its configuration lies.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    fn is_governed(&self) -> bool {
        self.home.path().join("weir.toml").exists()
    }

    /// How the generator reaches it.
    pub fn door(&self) -> Door {
        let uri = format!("http://{}/catalog", self.address);
        Door {
            uri,
            warehouse: "default".to_owned(),
            headers: Vec::new(),
            anywhere: false,
            tokens: Some(self.tokens.clone()),
        }
    }

    /// Starts it on the empty store, then again with a table in it, and leaves it running.
    pub async fn facts(&mut self) -> Result<Vec<Fact>> {
        let first = self.start().await?;
        let target = Target::find(&self.door()).await?;
        let table = Dataset::new(&target).table(0).await?;
        let (mut lives, mut loads) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            self.stop().await?;
            let begin = Instant::now();
            lives.push(self.start().await?);
            wait_for(self.address, &target.get(&table.path), begin).await?;
            loads.push(begin.elapsed());
        }
        tokio::time::sleep(REST).await;
        let size = fs::metadata(&self.binary)?.len();
        let fact = |what: &str, value, goal: &str| Fact { what: what.to_owned(), value, goal: goal.to_owned() };
        let (in_time, in_memory) = if self.is_governed() { ("< 50 ms", "< 45 MB") } else { ("< 15 ms", "< 25 MB") };
        Ok(vec![
            fact("first start, schema included, to first answer", milliseconds(first), ""),
            fact("start to first answer", milliseconds(middle(lives)), in_time),
            fact("start to first loaded table", milliseconds(middle(loads)), ""),
            fact("idle memory (resident)", self.process()?.resident()?, in_memory),
            fact("release binary", format!("{:.1} MB", size as f64 / 1e6), "< 50 MB"),
        ])
    }

    /// How sure a commit is when it is acknowledged.
    pub async fn durability(&self) -> Result<&'static str> {
        let durable = match &self.database {
            None => true,
            Some(database) => database.is_durable().await?,
        };
        Ok(if durable { "commits wait for the disk" } else { "commits do NOT wait for the disk" })
    }

    /// Its memory after the load.
    pub fn memory_after(&self) -> Result<Fact> {
        Ok(Fact { what: "memory after the load".to_owned(), value: self.process()?.resident()?, goal: String::new() })
    }

    /// From before the process exists to its first answer.
    pub async fn start(&mut self) -> Result<Duration> {
        let root = self.home.path();
        let log = fs::File::create(root.join("weir.log"))?;
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .current_dir(root)
            .env("WEIR__SERVER__LISTEN", self.address.to_string())
            .env("WEIR__METRICS__LISTEN", "127.0.0.1:0")
            .env("WEIR__STORE__URL", &self.store_url)
            .env("WEIR__STORAGE__LOCAL_ROOTS", root)
            .env("WEIR__BOOTSTRAP__ENABLED", "true")
            .env("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", root.join("warehouse"))
            .envs(Tokens::settings())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let begin = Instant::now();
        self.child = Some(command.spawn().with_context(|| format!("cannot start {}", self.binary.display()))?);
        let live = Request::new("GET", "/health/live", "Host: localhost\r\n", "");
        match wait_for(self.address, &live, begin).await {
            Ok(()) => Ok(begin.elapsed()),
            Err(error) => {
                let log = fs::read_to_string(root.join("weir.log")).unwrap_or_default();
                Err(error.context(format!("`weir serve` said:\n{log}")))
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(id) = child.id() {
            Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        }
        if tokio::time::timeout(STOP_MAX, child.wait()).await.is_err() {
            child.kill().await?;
            bail!("weir did not stop within {} s of SIGTERM", STOP_MAX.as_secs());
        }
        Ok(())
    }

    /// Where Linux tells about the process.
    pub fn process(&self) -> Result<Process> {
        let id = self.child.as_ref().and_then(Child::id).context("weir is not running")?;
        Ok(Process::new(id))
    }

    /// Stops it, removes its store.
    pub async fn remove(mut self) -> Result<()> {
        self.stop().await?;
        if let Some(database) = self.database.take() {
            database.remove().await?;
        }
        Ok(self.home.close()?)
    }
}

/// Asks again until the answer is 200.
async fn wait_for(address: SocketAddr, request: &Request, begin: Instant) -> Result<()> {
    let mut connection = Connection::new(address);
    while begin.elapsed() < START_MAX {
        if connection.send(request).await.is_ok_and(|head| head.status == 200) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    bail!("no answer from {address} within {} s", START_MAX.as_secs())
}

fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn middle(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}
