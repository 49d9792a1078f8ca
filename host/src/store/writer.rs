//! A write transaction.

use std::sync::Arc;
use std::time::Instant;

use super::Engine;
use super::Store;
use super::embedded::Embedded;
use super::engine::{Effect, On};
use super::faults::{commit_fault, fault, is_lost};
use super::group::Member;
use super::lending::LentTransaction;
use super::pools::Pools;
use super::promises::Promises;
use super::rows::Event;
use crate::error::{Error, Result};
use crate::permit::Permit;

/// Changes that happen together, or not at all: dropped without [`Writer::commit`] it leaves nothing behind.
///
/// INVARIANT: no network and no guest is called while one is open; on SQLite everybody else waits for it.
pub struct Writer {
    transaction: Open,
    started: Instant,
    spoiled: bool,
    /// The events of this transaction, with where they are remembered once it is committed; none where no failover can
    /// lose them.
    promises: Option<(Arc<Promises>, Vec<Event>)>,
}

enum Open {
    Sqlite(Member),
    Postgres(LentTransaction, bool),
}

impl Store {
    /// Opens a write transaction for what the permit allows. 503 where no connection becomes free in time.
    pub async fn begin(&self, permit: &Permit) -> Result<Writer> {
        let started = Instant::now();
        let (transaction, promises) = match self.engine() {
            Engine::Sqlite(embedded) => (begin_embedded(embedded).await?, None),
            Engine::Postgres(pools) => (begin_postgres(pools).await?, Some((Arc::clone(&pools.promises), Vec::new()))),
        };
        tracing::trace!(actor = permit.actor(), "a write transaction begins");
        Ok(Writer { transaction, started, spoiled: false, promises })
    }
}

async fn begin_embedded(embedded: &Embedded) -> Result<Open> {
    Ok(Open::Sqlite(embedded.writer.enter().await?))
}

/// A restart of the server breaks idle connections; nothing has happened yet, so another one is tried.
async fn begin_postgres(pools: &Pools) -> Result<Open> {
    let transaction = match LentTransaction::begin(&pools.primary).await {
        Err(error) if is_lost(&error) => {
            pools.primary.cool();
            LentTransaction::begin(&pools.primary).await
        }
        other => other,
    };
    Ok(Open::Postgres(transaction.map_err(fault)?, !pools.pooler_mode))
}

impl Writer {
    /// Makes the changes durable. [`Error::CommitStateUnknown`] only where nobody can know; every other error means
    /// that nothing has happened.
    pub async fn commit(self) -> Result<()> {
        if self.spoiled {
            return Err(Error::internal(anyhow::anyhow!(
                "a write transaction was committed after one of its statements failed"
            )));
        }
        match self.transaction {
            Open::Sqlite(member) => member.commit().await?,
            Open::Postgres(transaction, _) => transaction.commit().await.map_err(commit_fault)?,
        }
        if let Some((promises, events)) = self.promises {
            promises.keep(events);
        }
        metrics::histogram!("weir_store_query_seconds", "operation" => "write").record(self.started.elapsed());
        Ok(())
    }

    /// This event becomes true with the transaction, and its change with it.
    pub(super) fn promise(&mut self, event: &Event) {
        if let Some((_, events)) = &mut self.promises {
            events.push(event.clone());
        }
    }

    pub(super) fn on(&mut self) -> On<'_> {
        match &mut self.transaction {
            Open::Sqlite(member) => On::Sqlite(member.connection()),
            Open::Postgres(transaction, named) => On::Postgres(transaction.connection(), *named),
        }
    }

    /// The transaction's end settles a writer, not that of a statement.
    pub(super) fn settle(&mut self) {}

    /// The meaning of a statement's error. Postgres refuses everything after it, even where SQLite would go on, so a
    /// commit is refused on both.
    pub(super) fn fault(&mut self, error: sqlx::Error) -> Error {
        self.spoil(&error);
        fault(error)
    }

    /// The lost race that a constraint tells of; other errors keep their meaning.
    pub(super) fn lost_race(&mut self, error: sqlx::Error) -> Result<Effect> {
        self.spoil(&error);
        match &error {
            sqlx::Error::Database(database) if database.is_foreign_key_violation() => Ok(Effect::BrokenReference),
            sqlx::Error::Database(database) if database.is_unique_violation() => Ok(Effect::Duplicate),
            _ => Err(fault(error)),
        }
    }

    fn spoil(&mut self, error: &sqlx::Error) {
        self.spoiled = true;
        if let Open::Sqlite(member) = &self.transaction {
            member.note(error);
        }
    }

    /// Whether the engine lets several writers work at once, so that what must not overlap has to wait in line.
    pub(super) fn is_concurrent(&self) -> bool {
        matches!(self.transaction, Open::Postgres(..))
    }
}
