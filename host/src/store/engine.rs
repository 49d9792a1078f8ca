//! One SQL text on two engines: an enum of two connections with the macros that run a statement on either.

use std::time::Instant;

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};

use super::faults::fault;
use super::lending::{LentTransaction, Loan};
use crate::error::Error;

/// A connection to run one statement on.
pub(super) enum On<'a> {
    Sqlite(&'a mut SqliteConnection),
    /// With whether statements may be prepared under a name.
    Postgres(&'a mut PgConnection, bool),
}

/// Which of the two the migrations are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl On<'_> {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(..) => Dialect::Postgres,
        }
    }
}

/// A connection lent by a pool for one read; says how long the read took when it is given back.
pub(super) struct Lease {
    lent: Lent,
    operation: &'static str,
    started: Instant,
}

pub(super) enum Lent {
    Sqlite(Loan<Sqlite>),
    Postgres(Loan<Postgres>),
    /// Behind a transaction pooler preparing and running must meet the same server, so a read is a transaction.
    Pooled(LentTransaction),
}

impl Lease {
    pub(super) fn new(lent: Lent, operation: &'static str, started: Instant) -> Self {
        Self { lent, operation, started }
    }

    pub(super) fn on(&mut self) -> On<'_> {
        match &mut self.lent {
            Lent::Sqlite(loan) => On::Sqlite(loan.connection()),
            Lent::Postgres(loan) => On::Postgres(loan.connection(), true),
            Lent::Pooled(transaction) => On::Postgres(transaction.connection(), false),
        }
    }

    /// Notes that the last statement ended well, so that the connection can go to the next reader at once.
    pub(super) fn settle(&mut self) {
        match &mut self.lent {
            Lent::Sqlite(loan) => loan.settle(),
            Lent::Postgres(loan) => loan.settle(),
            Lent::Pooled(_) => {}
        }
    }

    pub(super) fn fault(&mut self, error: sqlx::Error) -> Error {
        fault(error)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        metrics::histogram!("weir_store_query_seconds", "operation" => self.operation).record(self.started.elapsed());
    }
}

/// What a guarded statement did. The last two spoil the writer: Postgres refuses what comes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Rows(u64),
    /// A row that this one belongs to has just gone, or a row to delete is still belonged to.
    BrokenReference,
    /// A concurrent writer took the name or the location first.
    Duplicate,
}

/// Runs a query that gives rows: `rows!(lease, fetch_optional, TabularRecord, "SELECT …", id, name)`.
macro_rules! rows {
    ($handle:expr, $fetch:ident, $row:ty, $text:expr $(, $bind:expr)* $(,)?) => {
        match $handle.on() {
            $crate::store::engine::On::Sqlite(connection) => {
                sqlx::query_as::<sqlx::Sqlite, $row>($text)$(.bind($bind))*.$fetch(connection).await
            }
            $crate::store::engine::On::Postgres(connection, named) => {
                sqlx::query_as::<sqlx::Postgres, $row>($text)$(.bind($bind))*
                    .persistent(named).$fetch(connection).await
            }
        }
        .inspect(|_| $handle.settle())
        .map_err(|error| $handle.fault(error))
    };
}

/// The rows that a statement touched, or the bare error.
macro_rules! touched {
    ($handle:expr, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::touched_by!($handle, $text, $text $(, $bind)*)
    };
}

/// The same where the text differs: SQLite's first, then that of Postgres.
macro_rules! touched_by {
    ($handle:expr, $sqlite:expr, $postgres:expr $(, $bind:expr)* $(,)?) => {
        match $handle.on() {
            $crate::store::engine::On::Sqlite(connection) => {
                sqlx::query::<sqlx::Sqlite>($sqlite)$(.bind($bind))*
                    .execute(connection).await.map(|done| done.rows_affected())
            }
            $crate::store::engine::On::Postgres(connection, named) => {
                sqlx::query::<sqlx::Postgres>($postgres)$(.bind($bind))*
                    .persistent(named).execute(connection).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// Runs a statement that gives no rows, says how many it touched: `run!(writer, "UPDATE …", id)`.
macro_rules! run {
    ($handle:expr, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::touched!($handle, $text $(, $bind)*).map_err(|error| $handle.fault(error))
    };
}

/// Like [`run!`] on a writer, where a constraint may tell that a race was lost: see [`Effect`].
macro_rules! run_guarded {
    ($writer:expr, $text:expr $(, $bind:expr)* $(,)?) => {
        $crate::store::engine::touched!($writer, $text $(, $bind)*)
            .map_or_else(|error| $writer.lost_race(error), |touched| Ok($crate::store::engine::Effect::Rows(touched)))
    };
}

/// Like [`run_guarded!`], with the event that tells of the change, in the same trip to the database: the numbers are those
/// of the event's six binds, which come after the statement's. Nothing is told where no row was touched.
macro_rules! run_told {
    (
        $writer:expr, $event:expr, [$id:literal, $kind:literal, $warehouse:literal, $subject:literal, $body:literal, $at:literal],
        $text:literal $(, $bind:expr)* $(,)?
    ) => {
        $crate::store::engine::touched_by!(
            $writer,
            concat!(
                $text,
                "; INSERT INTO outbox (id, kind, warehouse_id, subject, body, at_ms) SELECT $",
                $id, ", $", $kind, ", $", $warehouse, ", $", $subject, ", $", $body, ", $", $at,
                " WHERE changes() = 1"
            ),
            concat!(
                "WITH done AS (", $text,
                " RETURNING 1) INSERT INTO outbox (id, kind, warehouse_id, subject, body, at_ms) SELECT $",
                $id, ", $", $kind, ", $", $warehouse, ", $", $subject, ", $", $body, ", $", $at,
                " FROM done"
            )
            $(, $bind)*,
            $event.id,
            $event.kind.as_str(),
            $event.warehouse_id.map(|id| id.0),
            $event.subject.as_str(),
            $event.body.as_str(),
            $event.at_ms
        )
        // SQLite counts both statements, Postgres the last one.
        .map_or_else(
            |error| $writer.lost_race(error),
            |touched| Ok($crate::store::engine::Effect::Rows(touched.min(1))),
        )
    };
}

/// Declares a row whose fields are the columns of its queries in their order; decoding by position works on both engines.
macro_rules! record {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        $visibility struct $name {
            $($visibility $field: $type,)*
        }

        impl<'r, R> sqlx::FromRow<'r, R> for $name
        where
            R: sqlx::Row,
            usize: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                let mut columns = 0..;
                let mut next = || columns.next().unwrap_or_default();
                Ok(Self { $($field: row.try_get(next())?,)* })
            }
        }
    };
}

pub(super) use {record, rows, run, run_guarded, run_told, touched, touched_by};
