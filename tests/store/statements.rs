//! Every statement of the store is prepared on both engines, against the migrated schema.

use std::fs;
use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::ledger;

/// What exists on one engine only, always behind a visible `match`.
const SQLITE_ONLY: [&str; 3] = ["sqlite_master", "hex(id)", "json_each"];
const POSTGRES_ONLY: [&str; 6] =
    ["pg_advisory_xact_lock", "to_regclass", "jsonb_array_elements_text", "pg_walfile_name", "ANY(", "FOR KEY SHARE"];

/// The literals in the store's sources that begin as a statement does, so that none can be forgotten.
fn statements() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../host/src/store");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let literals = code.split('"').skip(1).step_by(2);
        let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
        // What is put together from the archive's tables runs in the archive's own tests, over every table.
        let literals = literals.filter(|literal| !literal.contains("{}"));
        // A part that a macro puts around other statements runs with each of them.
        let literals = literals.filter(|literal| !literal.ends_with('('));
        let statements = literals.filter(|literal| verbs.iter().any(|verb| literal.starts_with(verb)));
        found.extend(statements.map(|statement| (name.clone(), statement.to_owned())));
    }
    found
}

async fn every_statement_is_prepared(engine: Engine) {
    let ledger = ledger(engine).await;
    let statements = statements();
    assert!(statements.len() > 50, "only {} statements were found", statements.len());

    let mut faults = Vec::new();
    for (file, statement) in statements {
        let foreign: &[&str] = if engine == Engine::Sqlite { &POSTGRES_ONLY } else { &SQLITE_ONLY };
        if foreign.iter().any(|word| statement.contains(word)) {
            continue;
        }
        if let Err(error) = prepare(engine, &ledger.settings.url, &statement).await {
            faults.push(format!("{file}: {error}\n{statement}"));
        }
    }

    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

async fn prepare(engine: Engine, url: &weir::store::StoreUrl, statement: &str) -> sqlx::Result<()> {
    let text = AssertSqlSafe(statement.to_owned());
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(&url.to_string()).await?;
            connection.prepare(sqlx::SqlSafeStr::into_sql_str(text)).await.map(drop)
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(&url.to_string()).await?;
            connection.prepare(sqlx::SqlSafeStr::into_sql_str(text)).await.map(drop)
        }
    }
}

on_both_engines!(every_statement_is_prepared);
