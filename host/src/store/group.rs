//! Group commit for the one writer of SQLite: writers that are ready together share one flush to disk.
//!
//! Writers take turns on one connection. Each is a savepoint inside an outer transaction that they share; whoever joins
//! an empty group sees to it that the group is committed once those that already wait have had their turn.

use std::sync::Arc;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::faults::{commit_fault, fault, is_disk_fault};
use super::health::Health;
use super::sightings::Sightings;
use crate::error::{Error, Result};

/// The queue in front of the writing connection.
#[derive(Clone)]
pub(super) struct GroupCommit {
    turn: Arc<Mutex<Turn>>,
    health: Arc<Health>,
    members_max: usize,
    wait_max: Duration,
}

/// The writing connection with the state of its outer transaction.
pub(super) struct Turn {
    connection: SqliteConnection,
    sightings: Arc<Sightings>,
    group: Option<Group>,
    /// Grows with each group, so that a late flush does not commit the next group early.
    number: u64,
}

/// An open outer transaction.
struct Group {
    savepoint: Savepoint,
    members: usize,
    verdict: watch::Sender<Option<Verdict>>,
}

/// INVARIANT: a savepoint found open by the next owner of the turn belongs to a writer that was dropped; it is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    Open,
    Kept,
}

/// What became of a group, for each of its members.
#[derive(Clone, Debug)]
enum Verdict {
    Committed,
    NotCommitted(String),
    Unknown(String),
}

/// One writer during its turn.
pub(super) struct Member {
    turn: OwnedMutexGuard<Turn>,
    queue: GroupCommit,
}

impl GroupCommit {
    pub(super) fn new(
        connection: SqliteConnection,
        sightings: Arc<Sightings>,
        members_max: usize,
        wait_max: Duration,
    ) -> Self {
        let turn = Turn { connection, sightings, group: None, number: 0 };
        Self { turn: Arc::new(Mutex::new(turn)), health: Arc::new(Health::new()), members_max, wait_max }
    }

    /// Waits for a turn and opens a savepoint.
    pub(super) async fn enter(&self) -> Result<Member> {
        self.health.admit()?;
        let mut turn = self.take_turn().await?;
        let health = Arc::clone(&self.health);
        // Spawned, because a caller that goes away half-way must not leave a transaction in a state nobody knows.
        let entered = tokio::spawn(async move {
            if health.is_sick() {
                turn.probe(&health).await?;
            }
            turn.open_savepoint(&health).await?;
            Ok::<_, Error>(turn)
        });
        let turn = entered.await.map_err(Error::internal)??;
        Ok(Member { turn, queue: self.clone() })
    }

    /// Whether writes would be acknowledged; after a failure of the disk this tries one.
    pub(super) async fn ready(&self) -> Result<()> {
        if !self.health.is_sick() {
            return Ok(());
        }
        self.health.admit()?;
        let mut turn = self.take_turn().await?;
        let health = Arc::clone(&self.health);
        tokio::spawn(async move { turn.probe(&health).await }).await.map_err(Error::internal)?
    }

    /// The connection outside of any transaction, for migrations and for closing.
    pub(super) async fn alone(&self) -> Result<OwnedMutexGuard<Turn>> {
        let mut turn = self.take_turn().await?;
        turn.flush(&self.health).await;
        Ok(turn)
    }

    /// As if somebody had just tried whether the disk writes again.
    #[cfg(test)]
    pub(super) fn admit_for_tests(&self) {
        assert!(self.health.is_sick() && self.health.admit().is_ok());
    }

    async fn take_turn(&self) -> Result<OwnedMutexGuard<Turn>> {
        tokio::time::timeout(self.wait_max, Arc::clone(&self.turn).lock_owned())
            .await
            .map_err(|_| Error::unavailable("the ledger's writer is busy; retry"))
    }

    /// Commits the group in its turn, unless the bound was reached and somebody did before.
    fn flush_later(&self, number: u64) {
        let queue = self.clone();
        tokio::spawn(async move {
            let mut turn = queue.turn.lock_owned().await;
            if turn.number == number {
                turn.flush(&queue.health).await;
            }
        });
    }
}

impl Turn {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    async fn open_savepoint(&mut self, health: &Health) -> Result<()> {
        if let Some(group) = &self.group {
            let text = match group.savepoint {
                Savepoint::Open => "ROLLBACK TO member",
                Savepoint::Kept => "RELEASE member; SAVEPOINT member",
            };
            match self.execute(text).await {
                Ok(()) => return self.mark_open(),
                // SQLite undoes the whole transaction by itself on some errors: the group is lost, this writer is not.
                Err(error) => self.give_up(error, health).await,
            }
        }
        self.execute("BEGIN IMMEDIATE; SAVEPOINT member").await.map_err(|error| {
            health.note(&error);
            fault(error)
        })?;
        self.number += 1;
        self.group = Some(Group { savepoint: Savepoint::Open, members: 0, verdict: watch::Sender::new(None) });
        Ok(())
    }

    fn mark_open(&mut self) -> Result<()> {
        if let Some(group) = &mut self.group {
            group.savepoint = Savepoint::Open;
        }
        Ok(())
    }

    /// Ends the outer transaction, tells its members.
    async fn flush(&mut self, health: &Health) {
        let Some(group) = &self.group else { return };
        let text = match group.savepoint {
            Savepoint::Open => "ROLLBACK TO member; COMMIT",
            Savepoint::Kept => "COMMIT",
        };
        self.sightings.commit_begins();
        let committed = self.execute(text).await;
        self.sightings.commit_ended();
        match committed {
            Ok(()) => self.close_group(Verdict::Committed),
            Err(error) => self.give_up(error, health).await,
        }
    }

    /// Undoes what is left of the outer transaction, tells its members why.
    async fn give_up(&mut self, error: sqlx::Error, health: &Health) {
        health.note(&error);
        if let Err(undone) = self.execute("ROLLBACK").await {
            tracing::debug!(error = %undone, "the transaction was over already");
        }
        self.close_group(match commit_fault(error) {
            Error::CommitStateUnknown(message) => Verdict::Unknown(message),
            Error::Unavailable { message, .. } => Verdict::NotCommitted(message),
            other => {
                tracing::error!(error = ?other, "a group of commits was lost");
                Verdict::NotCommitted("the ledger could not keep this change, nothing has happened; retry".to_owned())
            }
        });
    }

    fn close_group(&mut self, verdict: Verdict) {
        let Some(group) = self.group.take() else { return };
        self.number += 1;
        metrics::histogram!("weir_store_group_commits").record(group.members as f64);
        group.verdict.send_replace(Some(verdict));
    }

    /// One small write of its own: succeeds only when the disk takes data and flushes it again.
    ///
    /// It also overwrites what a failed flush may have left at the end of the log, so that a crash later cannot bring
    /// back what callers were told has failed.
    async fn probe(&mut self, health: &Health) -> Result<()> {
        self.flush(health).await;
        let written = self.execute("UPDATE server SET probes = probes + 1").await;
        match written {
            Ok(()) => {
                health.recovered();
                Ok(())
            }
            Err(error) => {
                health.note(&error);
                Err(fault(error))
            }
        }
    }

    async fn execute(&mut self, text: &'static str) -> sqlx::Result<()> {
        // As a query it is prepared once; as a raw text it would be parsed each time.
        sqlx::query(text).execute(&mut self.connection).await.map(drop)
    }
}

impl Member {
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.turn.connection
    }

    /// Notes an error of a statement: after a failure of the disk nothing is acknowledged until a write succeeds.
    pub(super) fn note(&self, error: &sqlx::Error) {
        if is_disk_fault(error) {
            self.queue.health.note(error);
        }
    }

    /// Keeps the savepoint and waits until the group is on disk.
    pub(super) async fn commit(mut self) -> Result<()> {
        let Some(group) = &mut self.turn.group else {
            return Err(Error::unavailable("the ledger gave up this change, nothing was kept; retry"));
        };
        group.savepoint = Savepoint::Kept;
        group.members += 1;
        let (members, mut verdict) = (group.members, group.verdict.subscribe());
        let (number, queue) = (self.turn.number, self.queue.clone());
        if members >= queue.members_max {
            let mut turn = self.turn;
            tokio::spawn(async move { turn.flush(&queue.health).await });
        } else {
            drop(self.turn);
            if members == 1 {
                queue.flush_later(number);
            }
        }
        let verdict = verdict.wait_for(Option::is_some).await.map(|verdict| verdict.clone());
        match verdict {
            Ok(Some(Verdict::Committed)) => Ok(()),
            Ok(Some(Verdict::NotCommitted(message))) => Err(Error::unavailable(message)),
            Ok(Some(Verdict::Unknown(message))) => Err(Error::CommitStateUnknown(message)),
            Ok(None) | Err(_) => Err(Error::CommitStateUnknown(
                "the ledger closed while committing: the change may or may not have happened; reload before you retry"
                    .to_owned(),
            )),
        }
    }
}
