//! Changes that callers were told of, remembered for a while, so that a failover which lost some of them is noticed.
//!
//! Each change writes its event into the outbox in its own transaction. An event that is gone before its time tells of a
//! change that is gone, whatever it was: asynchronous replication promises no more than that (R9).

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sqlx::Postgres;
use uuid::Uuid;

use super::engine::{On, record};
use super::rows::Event;
use super::{Engine, Store};
use crate::error::{Error, Result};

/// The newest changes that are remembered, so many, of so many bytes.
const KEPT_MAX: usize = 10_000;
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Ids that are looked up with one statement.
const AT_ONCE: usize = 1_000;

/// What was acknowledged, the newest last.
#[derive(Default)]
pub(super) struct Promises {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    events: VecDeque<Event>,
    bytes: usize,
}

fn weight(event: &Event) -> usize {
    size_of::<Event>() + event.kind.len() + event.subject.len() + event.body.len()
}

impl Promises {
    /// A transaction was committed, its callers are told now.
    pub(super) fn keep(&self, events: Vec<Event>) {
        let mut kept = self.kept();
        for event in events {
            kept.bytes += weight(&event);
            kept.events.push_back(event);
        }
        while kept.events.len() > KEPT_MAX || kept.bytes > BYTES_MAX {
            kept.forget_oldest();
        }
    }

    /// The ids of what was acknowledged since; what is older is forgotten.
    fn ids_since(&self, since_ms: i64) -> Vec<Uuid> {
        let mut kept = self.kept();
        while kept.events.front().is_some_and(|event| event.at_ms < since_ms) {
            kept.forget_oldest();
        }
        kept.events.iter().map(|event| event.id).collect()
    }

    fn of(&self, ids: &HashSet<Uuid>) -> Vec<Event> {
        self.kept().events.iter().filter(|event| ids.contains(&event.id)).cloned().collect()
    }

    fn forget(&self, id: Uuid) {
        let mut kept = self.kept();
        if let Some(at) = kept.events.iter().position(|event| event.id == id)
            && let Some(event) = kept.events.remove(at)
        {
            kept.bytes -= weight(&event);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_oldest(&mut self) {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= weight(&event);
        }
    }
}

/// Where the log of a Postgres server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// Each promotion of a standby begins another one.
    pub timeline: u32,
    /// Bytes of log since the server was made.
    pub bytes: i64,
}

impl LogPosition {
    /// Whether what was written up to `earlier` may be missing here: another timeline, or a log that is shorter now.
    pub fn may_have_lost(self, earlier: Self) -> bool {
        self.timeline != earlier.timeline || self.bytes < earlier.bytes
    }
}

record! {
    struct PositionRecord {
        timeline: String,
        bytes: i64,
    }
}

record! {
    struct IdRecord {
        id: Uuid,
    }
}

impl Store {
    /// Whether another server may take the place of this one.
    pub fn may_fail_over(&self) -> bool {
        matches!(self.engine(), Engine::Postgres(_))
    }

    /// Where the database's log stands; any role may ask. `None` for an embedded ledger, and for a standby.
    pub async fn log_position(&self) -> Result<Option<LogPosition>> {
        let mut lease = self.read("log_position").await?;
        let On::Postgres(connection, named) = lease.on() else { return Ok(None) };
        let text = "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
                           CAST(pg_current_wal_lsn() - '0/0' AS BIGINT)
                    WHERE NOT pg_is_in_recovery()";
        let asked = sqlx::query_as::<Postgres, PositionRecord>(text).persistent(named);
        let found = asked.fetch_optional(connection).await.map_err(|error| lease.fault(error))?;
        lease.settle();
        let position = |record: PositionRecord| {
            let timeline = u32::from_str_radix(&record.timeline, 16).map_err(Error::internal)?;
            Ok::<_, Error>(LogPosition { timeline, bytes: record.bytes })
        };
        found.map(position).transpose()
    }

    /// The events of changes that this process acknowledged since then, and that the ledger does not have any more. They
    /// are told again until [`Store::forget_promise`].
    pub async fn lost_since(&self, since_ms: i64) -> Result<Vec<Event>> {
        let Engine::Postgres(pools) = self.engine() else { return Ok(Vec::new()) };
        let ids = pools.promises.ids_since(since_ms);
        let mut lost = HashSet::new();
        for some in ids.chunks(AT_ONCE) {
            let there = self.events_there(some).await?;
            lost.extend(some.iter().filter(|id| !there.contains(id)));
        }
        Ok(pools.promises.of(&lost))
    }

    /// Nothing is to be said about this event any more.
    pub fn forget_promise(&self, event: Uuid) {
        if let Engine::Postgres(pools) = self.engine() {
            pools.promises.forget(event);
        }
    }

    /// Which of these events the outbox of a Postgres server has.
    async fn events_there(&self, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        let mut lease = self.read("events_there").await?;
        let On::Postgres(connection, named) = lease.on() else { return Ok(HashSet::new()) };
        let text = "SELECT id FROM outbox WHERE id = ANY(CAST($1 AS UUID[]))";
        let asked = sqlx::query_as::<Postgres, IdRecord>(text).bind(ids).persistent(named);
        let found = asked.fetch_all(connection).await.map_err(|error| lease.fault(error))?;
        lease.settle();
        Ok(found.into_iter().map(|record| record.id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at_ms: i64, body_bytes: usize) -> Event {
        Event {
            id: Uuid::now_v7(),
            kind: "weir.table.committed".to_owned(),
            warehouse_id: None,
            subject: "table/1".to_owned(),
            body: "x".repeat(body_bytes),
            at_ms,
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_in_number_bytes_and_age() {
        let promises = Promises::default();
        promises.keep((0..KEPT_MAX + 5).map(|_| event(1, 1)).collect());
        assert_eq!(promises.ids_since(1).len(), KEPT_MAX);

        let large = event(2, BYTES_MAX / 2);
        promises.keep(vec![event(2, BYTES_MAX / 2), large.clone()]);
        assert_eq!(promises.ids_since(1), [large.id], "two of them are too large by what else an event has");

        assert!(promises.ids_since(3).is_empty());
        assert_eq!(promises.kept().bytes, 0);
    }

    #[test]
    fn another_timeline_or_a_shorter_log_may_have_lost_something() {
        let before = LogPosition { timeline: 1, bytes: 100 };
        for (now, may) in [((1, 100), false), ((1, 200), false), ((1, 99), true), ((2, 200), true)] {
            let now = LogPosition { timeline: now.0, bytes: now.1 };
            assert_eq!(now.may_have_lost(before), may, "{now:?}");
        }
    }
}
