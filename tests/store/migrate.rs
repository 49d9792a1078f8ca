//! The schema comes to be once, whoever starts first (R16).

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::task::JoinSet;
use weir::error::Error;
use weir::store::{MIGRATIONS, Store, StoreUrl};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{empty, ledger};

async fn execute(url: &StoreUrl, statement: &str) {
    let text = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    match url {
        StoreUrl::Sqlite(_) => {
            let mut connection = SqliteConnection::connect(&url.to_string()).await.unwrap();
            text.execute(&mut connection).await.unwrap();
        }
        StoreUrl::Postgres(_) => {
            let mut connection = PgConnection::connect(&url.to_string()).await.unwrap();
            text.execute(&mut connection).await.unwrap();
        }
    }
}

async fn a_second_migration_changes_nothing(engine: Engine) {
    let (_folder, _database, settings) = empty(engine).await;
    let store = Store::open(&settings).await.unwrap();
    let unmigrated = store.check_schema().await;

    let first = store.migrate(1).await.unwrap();
    let second = store.migrate(2).await.unwrap();

    assert!(matches!(unmigrated, Err(Error::Conflict(message)) if message.contains("weir migrate")));
    assert_eq!(first.applied.len(), MIGRATIONS.len());
    assert!(second.applied.is_empty());
    assert_eq!(store.server().await.unwrap().created_at_ms, 1);
    store.check_schema().await.unwrap();
}

/// R16: two pods migrate at once. On SQLite one process owns the file, so both are handles of one.
async fn many_that_migrate_at_once_do_it_once(engine: Engine) {
    let (_folder, _database, settings) = empty(engine).await;
    let shared = Store::open(&settings).await.unwrap();
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        let (shared, settings) = (shared.clone(), settings.clone());
        starts.spawn(async move {
            let store = if engine == Engine::Sqlite { shared } else { Store::open(&settings).await.unwrap() };
            store.migrate(1).await.unwrap().applied.len()
        });
    }

    let applied: usize = starts.join_all().await.into_iter().sum();

    assert_eq!(applied, MIGRATIONS.len());
    shared.check_schema().await.unwrap();
}

/// R16: an older binary refuses a schema that is too new for it.
async fn a_schema_that_needs_a_newer_binary_is_refused(engine: Engine) {
    let ledger = ledger(engine).await;
    let url = &ledger.settings.url;
    execute(url, "INSERT INTO schema_migrations VALUES (9001, 'expand', 'x', '0.0.1', 1)").await;
    let tolerated = ledger.store.check_schema().await;
    execute(url, "INSERT INTO schema_migrations VALUES (9002, 'contract', 'x', '99.0.0', 1)").await;

    let checked = ledger.store.check_schema().await;
    let migrated = ledger.store.migrate(1).await;

    tolerated.unwrap();
    for refused in [checked.map(drop), migrated.map(drop)] {
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("9002_contract") && message.contains("99.0.0"), "{message}");
    }
}

/// A released migration never changes.
async fn a_schema_with_another_past_is_refused(engine: Engine) {
    let ledger = ledger(engine).await;
    execute(&ledger.settings.url, "UPDATE schema_migrations SET checksum = 'other' WHERE number = 1").await;

    let checked = ledger.store.check_schema().await;

    assert!(matches!(checked, Err(Error::Conflict(message)) if message.contains("0001_ledger")));
}

/// R16: killed before its end a migration leaves nothing, so the next start begins it anew.
async fn a_migration_that_is_cut_off_leaves_nothing(engine: Engine) {
    let (_folder, _database, settings) = empty(engine).await;
    // The first statements of the migration as another session would see them, then the cut.
    cut_off(&settings.url).await;

    let store = Store::open(&settings).await.unwrap();
    let migrated = store.migrate(1).await.unwrap();

    assert_eq!(migrated.applied.len(), MIGRATIONS.len());
    store.check_schema().await.unwrap();
}

async fn cut_off(url: &StoreUrl) {
    let begun = "CREATE TABLE server (only_row BIGINT PRIMARY KEY); CREATE TABLE projects (id TEXT PRIMARY KEY)";
    match url {
        StoreUrl::Sqlite(path) => {
            let url = format!("sqlite:{}?mode=rwc", path.display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            sqlx::raw_sql(begun).execute(&mut connection).await.unwrap();
            // Waits until the file is let go of, unlike `close_hard`, and leaves the transaction open like it.
            connection.close().await.unwrap();
        }
        StoreUrl::Postgres(_) => {
            let mut connection = PgConnection::connect(&url.to_string()).await.unwrap();
            sqlx::raw_sql("BEGIN; SELECT pg_advisory_xact_lock(2003134834)").execute(&mut connection).await.unwrap();
            sqlx::raw_sql(begun).execute(&mut connection).await.unwrap();
            connection.close_hard().await.unwrap();
        }
    }
}

/// Two processes on one SQLite file would not see each other's versions.
#[tokio::test]
async fn a_second_process_may_not_use_an_embedded_ledger() {
    let ledger = ledger(Engine::Sqlite).await;

    let second = Store::open(&ledger.settings).await.err().unwrap();

    assert!(matches!(&second, Error::Conflict(message) if message.contains("in use by another process")), "{second}");
}

on_both_engines!(
    a_second_migration_changes_nothing,
    many_that_migrate_at_once_do_it_once,
    a_schema_that_needs_a_newer_binary_is_refused,
    a_schema_with_another_past_is_refused,
    a_migration_that_is_cut_off_leaves_nothing,
);
