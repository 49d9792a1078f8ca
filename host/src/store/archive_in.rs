//! Reads an archive into an empty ledger.

use std::io::{BufRead, BufReader, Read};

use flate2::read::GzDecoder;
use serde_json::Value;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Database, Encode, Type};
use uuid::Uuid;

use super::archive::{ARCHIVE_VERSION, Carried, Cell, Header, Tally, Trailer};
use super::archive_tables::{TABLES, Table};
use super::engine::{On, rows};
use super::migrations::MIGRATIONS;
use super::{Store, Writer};
use crate::error::{Error, Result};
use crate::permit::Permit;

/// How many rows pass between two calls of the progress.
const PROGRESS_ROWS: u64 = 1_000;

/// The longest line that is read: far above any row, far below what would exhaust the memory.
const LINE_BYTES_MAX: u64 = 1 << 30;

impl Store {
    /// Fills an empty, migrated ledger from an archive, in one transaction: all of it, or nothing.
    ///
    /// [`Error::Conflict`] where the ledger holds a project already or has another schema than the archive,
    /// [`Error::BadRequest`] where the archive is damaged.
    pub async fn import(
        &self,
        permit: &Permit,
        archive: impl Read + Send,
        progress: &mut (dyn FnMut(&str, u64) + Send),
    ) -> Result<Carried> {
        let mut lines = Lines { from: BufReader::new(GzDecoder::new(archive)) };
        check_header(lines.next()?)?;
        let mut writer = self.begin(permit).await?;
        writer.refuse_unless_empty().await?;
        let mut tally = Tally::default();
        let trailer = loop {
            let Some(line) = lines.next()? else { return Err(damaged("it ends without its last line")) };
            if !line.starts_with('[') {
                break serde_json::from_str::<Trailer>(&line).map_err(|error| damaged(&error.to_string()))?;
            }
            let table = writer.import_row(&line).await?;
            tally.add(&line);
            if tally.rows().is_multiple_of(PROGRESS_ROWS) {
                progress(table, tally.rows());
            }
        };
        let carried = tally.carried();
        if trailer.sha256 != carried.sha256 || trailer.rows != carried.rows {
            return Err(damaged(&format!(
                "it promises {} rows with the digest {}, found {} with {}",
                trailer.rows, trailer.sha256, carried.rows, carried.sha256
            )));
        }
        writer.commit().await?;
        Ok(carried)
    }
}

impl Writer {
    async fn refuse_unless_empty(&mut self) -> Result<()> {
        let found = rows!(self, fetch_optional, (String,), "SELECT id FROM projects LIMIT 1")?;
        match found {
            None => Ok(()),
            Some((project,)) => Err(Error::Conflict(format!(
                "the ledger is not empty, it holds the project `{project}`: import into a new one"
            ))),
        }
    }

    async fn import_row(&mut self, line: &str) -> Result<&'static str> {
        let values: Vec<Value> = serde_json::from_str(line).map_err(|error| damaged(&error.to_string()))?;
        let name = values.first().and_then(Value::as_str).unwrap_or_default();
        let Some(table) = TABLES.iter().find(|table| table.name == name) else {
            return Err(damaged(&format!("it holds a row of the unknown table `{name}`")));
        };
        let cells = read_cells(table, &values[1..])?;
        let text = AssertSqlSafe(table.store());
        let stored = match self.on() {
            On::Sqlite(connection) => {
                fill(sqlx::query::<sqlx::Sqlite>(text), cells).execute(connection).await.map(drop)
            }
            On::Postgres(connection, named) => {
                fill(sqlx::query::<sqlx::Postgres>(text), cells).persistent(named).execute(connection).await.map(drop)
            }
        };
        stored.map_err(|error| self.fault(error))?;
        Ok(table.name)
    }
}

fn read_cells(table: &Table, values: &[Value]) -> Result<Vec<Cell>> {
    if values.len() != table.columns.len() {
        return Err(damaged(&format!(
            "a row of `{}` has {} columns, expected {}",
            table.name,
            values.len(),
            table.columns.len()
        )));
    }
    table.columns.iter().zip(values).map(|((_, kind), value)| Cell::from_json(*kind, value)).collect()
}

fn fill<'q, DB>(query: Query<'q, DB, DB::Arguments>, cells: Vec<Cell>) -> Query<'q, DB, DB::Arguments>
where
    DB: Database,
    Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<i32>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<f64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<bool>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<Uuid>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<Vec<u8>>: for<'t> Encode<'t, DB> + Type<DB>,
{
    cells.into_iter().fold(query, |query, cell| match cell {
        Cell::Text(value) => query.bind(value),
        Cell::Integer(value) => query.bind(value),
        Cell::Small(value) => query.bind(value),
        Cell::Real(value) => query.bind(value),
        Cell::Truth(value) => query.bind(value),
        Cell::Id(value) => query.bind(value),
        Cell::Bytes(value) => query.bind(value),
    })
}

fn check_header(line: Option<String>) -> Result<()> {
    let header: Header = line
        .and_then(|line| serde_json::from_str(&line).ok())
        .ok_or_else(|| Error::bad_request("this is no archive of weir: expected what `weir export` writes"))?;
    let schema = MIGRATIONS.last().map_or(0, |newest| newest.number);
    if header.weir_archive != ARCHIVE_VERSION || header.schema != schema {
        return Err(Error::Conflict(format!(
            "the archive was written by weir {} (format {}, schema {}), this weir reads format {ARCHIVE_VERSION} with \
             schema {schema}: migrate the source with this version, then export it again",
            header.weir, header.weir_archive, header.schema
        )));
    }
    Ok(())
}

fn damaged(reason: &str) -> Error {
    Error::BadRequest(format!("the archive is damaged, nothing was imported: {reason}"))
}

struct Lines<R: Read> {
    from: BufReader<GzDecoder<R>>,
}

impl<R: Read> Lines<R> {
    /// The next line without its end; `None` after the last.
    fn next(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.from).take(LINE_BYTES_MAX).read_line(&mut line);
        if read.map_err(|error| damaged(&error.to_string()))? == 0 {
            return Ok(None);
        }
        match line.pop() {
            Some('\n') => Ok(Some(line)),
            _ => Err(damaged("a line is cut off")),
        }
    }
}
