//! Brings the schema of the ledger up to this binary, or refuses to work with it.

use sqlx::{Acquire, Executor, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::engine::{Dialect, On, record, rows, run};
use super::faults::fault;
use super::migrations::{MIGRATIONS, Migration, is_older};
use super::{Engine, Store};
use crate::error::{Error, Result};
use crate::permit::Permit;

/// Any number that no other program on the database server uses as an advisory lock: "weir" in ASCII.
const ADVISORY_LOCK: i64 = 0x7765_6972;

/// What [`Store::migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// `0001_ledger` and so on, empty where nothing was to be done.
    pub applied: Vec<String>,
    /// The number of the newest migration in the ledger.
    pub schema: i64,
}

record! {
    /// A migration that the ledger remembers.
    struct AppliedRecord {
        number: i64,
        name: String,
        checksum: String,
        oldest_binary: String,
    }
}

record! {
    struct FoundRecord {
        found: bool,
    }
}

/// A connection inside the one transaction of a migration step.
pub(super) struct Step<'a> {
    pub(super) on: On<'a>,
}

impl Step<'_> {
    fn on(&mut self) -> On<'_> {
        match &mut self.on {
            On::Sqlite(connection) => On::Sqlite(connection),
            On::Postgres(connection, named) => On::Postgres(connection, *named),
        }
    }

    fn fault(&mut self, error: sqlx::Error) -> Error {
        fault(error)
    }

    /// The end of the migration settles it, not that of a statement.
    fn settle(&mut self) {}

    async fn execute(&mut self, text: &'static str) -> Result<()> {
        match &mut self.on {
            On::Sqlite(connection) => connection.execute(sqlx::raw_sql(text)).await.map(drop),
            On::Postgres(connection, _) => connection.execute(sqlx::raw_sql(text)).await.map(drop),
        }
        .map_err(fault)
    }
}

impl Store {
    /// Applies what is missing, one transaction a migration; many replicas may do it at once.
    ///
    /// [`Error::Conflict`] where the schema is too new for this binary, or is not what its migrations say.
    pub async fn migrate(&self, now_ms: i64) -> Result<Migrated> {
        let mut applied = Vec::new();
        while let Some(migration) = self.apply_next(now_ms).await? {
            tracing::info!(migration = %migration, "the ledger's schema moved on");
            applied.push(migration);
        }
        let mut writer = self.begin(&Permit::operator("migrate")).await?;
        writer.ensure_server(Uuid::new_v4(), &rand::random(), now_ms).await?;
        writer.commit().await?;
        Ok(Migrated { applied, schema: MIGRATIONS.last().map_or(0, |newest| newest.number) })
    }

    /// Whether this binary can work with the schema as it is. [`Error::Conflict`] says what to do where it cannot.
    pub async fn check_schema(&self) -> Result<()> {
        let mut lease = self.read("check_schema").await?;
        up_to_date(&mut Step { on: lease.on() }).await.map(drop)
    }

    /// Applies the first migration that is missing, says which; `None` where none is.
    async fn apply_next(&self, now_ms: i64) -> Result<Option<String>> {
        match self.engine() {
            Engine::Sqlite(embedded) => {
                let mut turn = embedded.writer.alone().await?;
                apply_on_sqlite(turn.connection(), now_ms).await
            }
            Engine::Postgres(pools) => {
                let mut loan = pools.primary.lend().await.map_err(fault)?;
                apply_on_postgres(loan.connection(), now_ms).await
            }
        }
    }
}

/// The write lock of SQLite is what keeps a second one out.
async fn apply_on_sqlite(connection: &mut SqliteConnection, now_ms: i64) -> Result<Option<String>> {
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await.map_err(fault)?;
    let applied = apply(&mut Step { on: On::Sqlite(&mut transaction) }, now_ms).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(applied)
}

/// The lock ends with the transaction, however that ends, and works behind a transaction pooler.
async fn apply_on_postgres(connection: &mut PgConnection, now_ms: i64) -> Result<Option<String>> {
    let mut transaction = connection.begin().await.map_err(fault)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(ADVISORY_LOCK)
        .persistent(false)
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
    let applied = apply(&mut Step { on: On::Postgres(&mut transaction, false) }, now_ms).await?;
    transaction.commit().await.map_err(fault)?;
    Ok(applied)
}

async fn apply(step: &mut Step<'_>, now_ms: i64) -> Result<Option<String>> {
    let dialect = step.on.dialect();
    step.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
             number BIGINT PRIMARY KEY,
             name TEXT NOT NULL,
             checksum TEXT NOT NULL,
             oldest_binary TEXT NOT NULL,
             applied_at_ms BIGINT NOT NULL
         )",
    )
    .await?;
    let found = remembered(step).await?;
    verify(&found, dialect)?;
    let Some(migration) = missing(&found) else { return Ok(None) };
    step.execute(migration.text(dialect)).await?;
    run!(
        step,
        "INSERT INTO schema_migrations (number, name, checksum, oldest_binary, applied_at_ms)
         VALUES ($1, $2, $3, $4, $5)",
        migration.number,
        migration.name,
        migration.checksum(dialect),
        migration.oldest_binary(dialect),
        now_ms
    )?;
    Ok(Some(file_name(migration)))
}

/// The number of the newest migration this binary knows. [`Error::Conflict`] where the ledger has not got to it.
pub(super) async fn up_to_date(step: &mut Step<'_>) -> Result<i64> {
    let found = remembered(step).await?;
    verify(&found, step.on.dialect())?;
    match missing(&found) {
        None => Ok(MIGRATIONS.last().map_or(0, |newest| newest.number)),
        Some(migration) => Err(Error::Conflict(format!(
            "the ledger lacks the migration {}: run `weir migrate` first",
            file_name(migration)
        ))),
    }
}

/// The migrations that the ledger has; none where it is empty.
async fn remembered(step: &mut Step<'_>) -> Result<Vec<AppliedRecord>> {
    let exists = match step.on() {
        On::Sqlite(connection) => {
            sqlx::query_as::<_, FoundRecord>(
                "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations')",
            )
            .fetch_one(connection)
            .await
        }
        On::Postgres(connection, named) => {
            sqlx::query_as::<_, FoundRecord>("SELECT to_regclass('schema_migrations') IS NOT NULL")
                .persistent(named)
                .fetch_one(connection)
                .await
        }
    }
    .map_err(fault)?;
    if !exists.found {
        return Ok(Vec::new());
    }
    rows!(
        step,
        fetch_all,
        AppliedRecord,
        "SELECT number, name, checksum, oldest_binary
         FROM schema_migrations
         ORDER BY number"
    )
}

/// Refuses a ledger that is too new for this binary, or whose past is another one.
fn verify(found: &[AppliedRecord], dialect: Dialect) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    for applied in found {
        if is_older(version, &applied.oldest_binary) {
            return Err(Error::Conflict(format!(
                "the ledger has the migration {:04}_{}, which needs weir {} or newer, this is {version}: \
                 run the newer version, or restore a backup from before",
                applied.number, applied.name, applied.oldest_binary
            )));
        }
        let known = MIGRATIONS.iter().find(|known| known.number == applied.number);
        if let Some(known) = known
            && (known.name != applied.name || known.checksum(dialect) != applied.checksum)
        {
            return Err(Error::Conflict(format!(
                "the ledger has a migration {:04}_{} that is not the one of this weir {version}: \
                 it was made by an unreleased or changed build; use that one, or export and import",
                applied.number, applied.name
            )));
        }
    }
    Ok(())
}

fn missing(found: &[AppliedRecord]) -> Option<&'static Migration> {
    MIGRATIONS.iter().find(|known| !found.iter().any(|applied| applied.number == known.number))
}

fn file_name(migration: &Migration) -> String {
    format!("{:04}_{}", migration.number, migration.name)
}
