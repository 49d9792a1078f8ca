//! Writes the whole catalog into an archive.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, PgConnection, Row, SqliteConnection, Type};
use std::str::FromStr;
use uuid::Uuid;

use super::archive::{ARCHIVE_VERSION, Carried, Cell, Header, Kind, Tally, Trailer};
use super::archive_tables::{TABLES, Table};
use super::embedded::reader;
use super::engine::On;
use super::faults::fault;
use super::migrate::{Step, up_to_date};
use super::settings::StoreUrl;
use crate::error::{Error, Result};

/// How many rows pass between two calls of the progress.
const PROGRESS_ROWS: u64 = 1_000;

/// Writes a consistent picture of the catalog at `url`, beside a running server if there is one.
///
/// `progress` hears the table's name with the rows so far. [`Error::Conflict`] where the schema is not this binary's.
pub async fn export(url: &StoreUrl, out: impl Write, progress: &mut dyn FnMut(&str, u64)) -> Result<Carried> {
    let mut archive = Archive { out: GzEncoder::new(out, Compression::default()), tally: Tally::default() };
    match url {
        StoreUrl::Sqlite(path) => {
            let mut connection = reader(path).await?;
            execute(On::Sqlite(&mut connection), "BEGIN").await?;
            archive.begin(On::Sqlite(&mut connection)).await?;
            for table in TABLES {
                archive.table_of_sqlite(&mut connection, table, progress).await?;
            }
        }
        StoreUrl::Postgres(url) => {
            // As a transaction pooler wants it, which is as good without one: all of it is one transaction.
            let options = PgConnectOptions::from_str(url.as_str()).map_err(fault)?.extra_float_digits(None);
            let options = options.statement_cache_capacity(0).application_name("weir export");
            let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
            let mut connection = pool.acquire().await.map_err(fault)?;
            let picture = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";
            execute(On::Postgres(&mut connection, false), picture).await?;
            archive.begin(On::Postgres(&mut connection, false)).await?;
            for table in TABLES {
                archive.table_of_postgres(&mut connection, table, progress).await?;
            }
        }
    }
    archive.finish()
}

async fn execute(on: On<'_>, text: &'static str) -> Result<()> {
    match on {
        On::Sqlite(connection) => sqlx::raw_sql(text).execute(connection).await.map(drop),
        On::Postgres(connection, _) => sqlx::raw_sql(text).execute(connection).await.map(drop),
    }
    .map_err(fault)
}

struct Archive<W: Write> {
    out: GzEncoder<W>,
    tally: Tally,
}

impl<W: Write> Archive<W> {
    async fn begin(&mut self, on: On<'_>) -> Result<()> {
        let schema = up_to_date(&mut Step { on }).await?;
        let header = Header { weir_archive: ARCHIVE_VERSION, schema, weir: env!("CARGO_PKG_VERSION").to_owned() };
        self.line(&serde_json::to_string(&header).map_err(Error::internal)?)
    }

    async fn table_of_sqlite(
        &mut self,
        connection: &mut SqliteConnection,
        table: &Table,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<()> {
        let mut rows = sqlx::query::<sqlx::Sqlite>(AssertSqlSafe(table.select())).fetch(connection);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            self.row(table, cells(&row, table.columns).map_err(fault)?, progress)?;
        }
        progress(table.name, self.tally.rows());
        Ok(())
    }

    async fn table_of_postgres(
        &mut self,
        connection: &mut PgConnection,
        table: &Table,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<()> {
        let mut rows = sqlx::query::<sqlx::Postgres>(AssertSqlSafe(table.select())).persistent(false).fetch(connection);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            self.row(table, cells(&row, table.columns).map_err(fault)?, progress)?;
        }
        progress(table.name, self.tally.rows());
        Ok(())
    }

    fn row(&mut self, table: &Table, cells: Vec<Cell>, progress: &mut dyn FnMut(&str, u64)) -> Result<()> {
        let mut values: Vec<Value> = vec![table.name.into()];
        values.extend(cells.iter().map(Cell::to_json));
        let line = serde_json::to_string(&values).map_err(Error::internal)?;
        self.tally.add(&line);
        if self.tally.rows().is_multiple_of(PROGRESS_ROWS) {
            progress(table.name, self.tally.rows());
        }
        self.line(&line)
    }

    fn line(&mut self, line: &str) -> Result<()> {
        self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n")).map_err(unwritable)
    }

    fn finish(mut self) -> Result<Carried> {
        let carried = std::mem::take(&mut self.tally).carried();
        let trailer = Trailer { rows: carried.rows, sha256: carried.sha256.clone() };
        self.line(&serde_json::to_string(&trailer).map_err(Error::internal)?)?;
        self.out.finish().and_then(|mut out| out.flush()).map_err(unwritable)?;
        Ok(carried)
    }
}

fn unwritable(error: std::io::Error) -> Error {
    Error::unavailable(format!("the archive cannot be written: {error}"))
}

fn cells<'r, R>(row: &'r R, columns: &[(&str, Kind)]) -> sqlx::Result<Vec<Cell>>
where
    R: Row,
    usize: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    i32: Decode<'r, R::Database> + Type<R::Database>,
    f64: Decode<'r, R::Database> + Type<R::Database>,
    bool: Decode<'r, R::Database> + Type<R::Database>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(index, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Text => Cell::Text(row.try_get(index)?),
            Kind::Integer => Cell::Integer(row.try_get(index)?),
            Kind::Small => Cell::Small(row.try_get(index)?),
            Kind::Real => Cell::Real(row.try_get(index)?),
            Kind::Truth => Cell::Truth(row.try_get(index)?),
            Kind::Id => Cell::Id(row.try_get(index)?),
            Kind::Bytes => Cell::Bytes(row.try_get(index)?),
        })
    };
    columns.iter().enumerate().map(cell).collect()
}
