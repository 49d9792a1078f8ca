//! The ledger in a file of this machine: SQLite in WAL mode with full durability, for one process at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection};

use super::group::GroupCommit;
use super::lending::Lending;
use super::settings::StoreSettings;
use super::sightings::Sightings;
use crate::error::{Error, Result};

/// More readers than this only take turns on the same two or four cores.
const READERS_MAX: u32 = 8;

pub(super) struct Embedded {
    pub(super) readers: Lending<Sqlite>,
    pub(super) writer: GroupCommit,
    pub(super) sightings: Arc<Sightings>,
    /// Held until the store is dropped: a second process would not see this one's locks and versions.
    _owner: File,
}

impl Embedded {
    pub(super) async fn open(path: &Path, settings: &StoreSettings) -> Result<Self> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            make_durably(directory)
                .map_err(|error| unusable(path, &format!("its directory cannot be made: {error}")))?;
        }
        let owner = own(path)?;
        let wait_max = Duration::from_millis(settings.acquire_timeout_ms);
        let connection = writing(path).connect().await.map_err(|error| unusable(path, &error.to_string()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(settings.connections_max.clamp(1, READERS_MAX))
            .acquire_timeout(wait_max)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(common(path).read_only(true));
        let readers = Lending::new(readers);
        let sightings = Arc::<Sightings>::default();
        let writer = GroupCommit::new(connection, Arc::clone(&sightings), settings.group_commits_max, wait_max);
        Ok(Self { readers, writer, sightings, _owner: owner })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        if let Ok(mut turn) = self.writer.alone().await
            && let Err(error) = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(turn.connection()).await
        {
            tracing::warn!(error = %error, "the log was not folded into the ledger; the next start does it");
        }
    }
}

/// A reader of its own that needs no ownership, for exporting beside a running server.
pub(super) async fn reader(path: &Path) -> Result<SqliteConnection> {
    let options = common(path).read_only(true).create_if_missing(false);
    options.connect().await.map_err(|error| unusable(path, &error.to_string()))
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(256)
        .pragma("cache_size", "-32768")
        .pragma("mmap_size", "268435456")
        .disable_statement_logging()
}

fn writing(path: &Path) -> SqliteConnectOptions {
    common(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
}

/// Takes the ledger for this process; the operating system lets go of it however the process ends.
fn own(path: &Path) -> Result<File> {
    let lock = lock_path(path);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(|error| unusable(path, &format!("`{}` cannot be opened: {error}", lock.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Conflict(format!(
            "the ledger `{}` is in use by another process: stop that one first, or use Postgres for several replicas",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(path, &format!("it cannot be locked: {error}"))),
    }
}

/// Like `create_dir_all`, but a power loss takes none of the new directories: SQLite flushes the one that holds its files,
/// not those above, without which all of it would be gone.
fn make_durably(directory: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    std::fs::create_dir_all(directory)?;
    for made in missing {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        File::open(above.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

fn unusable(path: &Path, reason: &str) -> Error {
    Error::unavailable(format!("the ledger `{}` cannot be used: {reason}", path.display()))
}
