//! What an error of a database means to the caller.

use sqlx::error::DatabaseError;

use crate::error::Error;

/// The meaning of an error before COMMIT: nothing has happened, for certain.
pub(super) fn fault(error: sqlx::Error) -> Error {
    let unavailable = match &error {
        sqlx::Error::PoolTimedOut => Some("all connections to the store are busy; retry".to_owned()),
        sqlx::Error::Database(database) => match meaning(database.as_ref()) {
            Meaning::Race => {
                return Error::commit_failed("a concurrent change won, nothing of this one was kept; reload and retry");
            }
            Meaning::Away(why) => Some(format!("the store cannot serve this now: {why}; retry")),
            Meaning::Bug => None,
        },
        other if is_lost(other) => Some("the connection to the store was lost, nothing was changed; retry".to_owned()),
        _ => None,
    };
    match unavailable {
        Some(message) => {
            tracing::warn!(error = %error, "the store failed");
            Error::unavailable(message)
        }
        None => Error::internal(error),
    }
}

/// The meaning of an error of COMMIT itself: only where the database said no it is certain that nothing happened.
pub(super) fn commit_fault(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) if refuses_for_certain(database.as_ref()) => fault(error),
        _ => {
            tracing::error!(error = %error, "nobody knows whether a COMMIT happened");
            Error::CommitStateUnknown(
                "the connection to the store was lost while committing: the change may or may not have happened; \
                 reload before you retry"
                    .to_owned(),
            )
        }
    }
}

/// Whether the connection, not the statement, failed: then another connection may do.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => {
            postgres_code(database.as_ref()).is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
        }
        _ => false,
    }
}

/// Whether the disk refuses writes, so that no promise can be kept until it accepts them again.
pub(super) fn is_disk_fault(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => {
            matches!(sqlite_code(database.as_ref()), Some(FULL | IO | READ_ONLY | CANNOT_OPEN))
        }
        _ => false,
    }
}

enum Meaning {
    Race,
    Away(&'static str),
    Bug,
}

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

fn meaning(database: &dyn DatabaseError) -> Meaning {
    match sqlite_code(database) {
        Some(BUSY | LOCKED) => return Meaning::Away("another process holds the ledger"),
        Some(READ_ONLY) => return Meaning::Away("the ledger is read-only"),
        Some(IO | CANNOT_OPEN) => return Meaning::Away("its disk fails"),
        Some(FULL) => return Meaning::Away("its disk is full"),
        Some(_) => return Meaning::Bug,
        None => {}
    }
    match postgres_code(database).as_deref() {
        Some("40001" | "40P01") => Meaning::Race,
        Some("55P03" | "57014") => Meaning::Away("a statement took too long"),
        Some("25006") => Meaning::Away("this server is a standby"),
        Some("53100") => Meaning::Away("its disk is full"),
        Some(code) if code.starts_with("53") => Meaning::Away("it has no resources left"),
        Some(code) if code.starts_with("57P") || code.starts_with("08") => {
            Meaning::Away("it is shutting down or starting")
        }
        Some(code) if code.starts_with("58") => Meaning::Away("its disk fails"),
        _ => Meaning::Bug,
    }
}

/// A SQLite I/O error may have come after the commit reached the disk, a Postgres backend may have been ended after it.
fn refuses_for_certain(database: &dyn DatabaseError) -> bool {
    match sqlite_code(database) {
        Some(code) => code != IO,
        None => postgres_code(database).is_some_and(|code| {
            code != "40003" && !["08", "57P", "58", "XX"].iter().any(|class| code.starts_with(class))
        }),
    }
}

/// The primary result code, <https://sqlite.org/rescode.html>; `None` on Postgres.
fn sqlite_code(database: &dyn DatabaseError) -> Option<i32> {
    database.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    database.code()?.parse::<i32>().ok().map(|code| code & 0xff)
}

/// The SQLSTATE, <https://www.postgresql.org/docs/15/errcodes-appendix.html>; `None` on SQLite.
fn postgres_code(database: &dyn DatabaseError) -> Option<String> {
    database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().map(|error| error.code().to_owned())
}
