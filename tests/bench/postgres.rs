//! A Postgres database that lives as long as one measurement.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Where `tests/with-postgres.sh` says its cluster is.
pub const VARIABLE: &str = "WEIR_TEST_POSTGRES_URL";

pub struct Database {
    pub url: String,
    name: String,
    cluster_url: String,
}

impl Database {
    pub async fn create() -> Result<Self> {
        let cluster_url = std::env::var(VARIABLE).with_context(|| {
            format!("{VARIABLE} is not set: run under tests/with-postgres.sh, or `--engines sqlite`")
        })?;
        // A measurement that failed leaves its own behind.
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("weir_bench_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        run(&cluster_url, format!("CREATE DATABASE {name}")).await?;
        let (server, _) = cluster_url.rsplit_once('/').with_context(|| format!("{VARIABLE} names no database"))?;
        Ok(Self { url: format!("{server}/{name}"), name, cluster_url })
    }

    pub async fn remove(self) -> Result<()> {
        run(&self.cluster_url, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }

    /// Whether commits wait for the disk, as they must where durability is measured.
    pub async fn is_durable(&self) -> Result<bool> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let settings: Vec<String> = sqlx::query_scalar(
            "SELECT setting
             FROM pg_settings
             WHERE name IN ('fsync', 'synchronous_commit')",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        Ok(settings.iter().all(|setting| setting == "on"))
    }
}

async fn run(url: &str, statement: String) -> Result<()> {
    let mut connection = PgConnection::connect(url).await.context("cannot reach Postgres")?;
    sqlx::query(AssertSqlSafe(statement.as_str())).execute(&mut connection).await?;
    Ok(connection.close().await?)
}
