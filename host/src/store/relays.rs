//! Who passes events on: positions, leases, what could not be delivered.

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::rows::{DeadLetter, Event, Relay};
use super::{Store, Writer};
use crate::catalog::ids::WarehouseId;
use crate::error::Result;

/// The row that holds the last position given to an event.
const HEAD: &str = "outbox";

record! {
    struct RelayRecord {
        name: String,
        position: i64,
        holder: Option<Uuid>,
        lease_until_ms: i64,
        failures: i64,
        retry_at_ms: i64,
        last_error: Option<String>,
    }
}

impl From<RelayRecord> for Relay {
    fn from(record: RelayRecord) -> Self {
        Self {
            name: record.name,
            position: record.position,
            holder: record.holder,
            lease_until_ms: record.lease_until_ms,
            failures: record.failures,
            retry_at_ms: record.retry_at_ms,
            last_error: record.last_error,
        }
    }
}

record! {
    struct PositionRecord {
        position: i64,
    }
}

record! {
    struct EventRecord {
        position: i64,
        id: Uuid,
        kind: String,
        warehouse_id: Option<Uuid>,
        subject: String,
        body: String,
        at_ms: i64,
    }
}

record! {
    struct LetterRecord {
        id: Uuid,
        relay: String,
        event_id: Uuid,
        position: i64,
        kind: String,
        subject: String,
        body: String,
        attempts: i64,
        error: String,
        died_at_ms: i64,
    }
}

impl From<LetterRecord> for DeadLetter {
    fn from(record: LetterRecord) -> Self {
        Self {
            id: record.id,
            relay: record.relay,
            event_id: record.event_id,
            position: record.position,
            kind: record.kind,
            subject: record.subject,
            body: record.body,
            attempts: record.attempts,
            error: record.error,
            died_at_ms: record.died_at_ms,
        }
    }
}

impl Store {
    /// All that ever relayed, by name; the head of the outbox is among them.
    pub async fn relays(&self) -> Result<Vec<Relay>> {
        let mut lease = self.read("relays").await?;
        let found = rows!(
            lease,
            fetch_all,
            RelayRecord,
            "SELECT name, position, holder, lease_until_ms, failures, retry_at_ms, last_error
             FROM relays
             ORDER BY name"
        )?;
        Ok(found.into_iter().map(Relay::from).collect())
    }

    /// The last position given to an event; 0 before the first.
    pub async fn head_position(&self) -> Result<i64> {
        let mut lease = self.read("head_position").await?;
        let found = rows!(lease, fetch_optional, PositionRecord, "SELECT position FROM relays WHERE name = $1", HEAD)?;
        Ok(found.map_or(0, |record| record.position))
    }

    /// Whether any committed event has no position yet.
    pub async fn has_events_without_position(&self) -> Result<bool> {
        let mut lease = self.read("has_events_without_position").await?;
        let found = rows!(
            lease,
            fetch_optional,
            PositionRecord,
            "SELECT seq
             FROM outbox
             WHERE position IS NULL
             ORDER BY seq
             LIMIT 1"
        )?;
        Ok(found.is_some())
    }

    /// The events after a position with theirs, in order.
    pub async fn events_after(&self, position: i64, limit: u32) -> Result<Vec<(i64, Event)>> {
        let mut lease = self.read("events_after").await?;
        let found = rows!(
            lease,
            fetch_all,
            EventRecord,
            "SELECT position, id, kind, warehouse_id, subject, body, at_ms
             FROM outbox
             WHERE position > $1
             ORDER BY position
             LIMIT $2",
            position,
            i64::from(limit)
        )?;
        let event = |record: EventRecord| {
            let event = Event {
                id: record.id,
                kind: record.kind,
                warehouse_id: record.warehouse_id.map(WarehouseId),
                subject: record.subject,
                body: record.body,
                at_ms: record.at_ms,
            };
            (record.position, event)
        };
        Ok(found.into_iter().map(event).collect())
    }

    /// What could not be delivered, oldest first, after the given one.
    pub async fn dead_letters_page(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<DeadLetter>> {
        let mut lease = self.read("dead_letters_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            LetterRecord,
            "SELECT id, relay, event_id, position, kind, subject, body, attempts, error, died_at_ms
             FROM dead_letters
             WHERE id > $1
             ORDER BY id
             LIMIT $2",
            after.unwrap_or(Uuid::nil()),
            i64::from(limit)
        )?;
        Ok(found.into_iter().map(DeadLetter::from).collect())
    }
}

impl Writer {
    /// Gives positions to committed events that have none, at most `limit` of them, in the order in which they were stored;
    /// says how many that were.
    ///
    /// INVARIANT: an event of one object is stored after the transaction of the one before it, so their order is kept.
    pub async fn position_events(&mut self, limit: u32, now_ms: i64) -> Result<u64> {
        self.start_relay(HEAD, 0, now_ms).await?;
        // Touching the row makes everybody else wait here: no position is given twice.
        let head = rows!(
            self,
            fetch_one,
            PositionRecord,
            "UPDATE relays
             SET updated_at_ms = $2
             WHERE name = $1
             RETURNING position",
            HEAD,
            now_ms
        )?;
        let given = run!(
            self,
            "UPDATE outbox
             SET position = numbered.position
             FROM (SELECT id, $1 + ROW_NUMBER() OVER (ORDER BY seq) AS position
                   FROM outbox
                   WHERE position IS NULL
                   ORDER BY seq
                   LIMIT $2) AS numbered
             WHERE outbox.id = numbered.id",
            head.position,
            i64::from(limit)
        )?;
        run!(
            self,
            "UPDATE relays
             SET position = position + $2
             WHERE name = $1",
            HEAD,
            i64::try_from(given).unwrap_or(i64::MAX)
        )?;
        Ok(given)
    }

    /// Notes a relay that is new, which begins after this position; `false` where it is known.
    pub async fn start_relay(&mut self, name: &str, position: i64, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO relays (name, position, lease_until_ms, failures, retry_at_ms, updated_at_ms)
             VALUES ($1, $2, 0, 0, 0, $3)
             ON CONFLICT (name) DO NOTHING",
            name,
            position,
            now_ms
        )?;
        Ok(touched == 1)
    }

    /// Takes the relay for a while, or extends the lease; `None` where another process holds it, or it waits for a retry.
    pub async fn lease_relay(&mut self, name: &str, holder: Uuid, now_ms: i64, until_ms: i64) -> Result<Option<Relay>> {
        let found = rows!(
            self,
            fetch_optional,
            RelayRecord,
            "UPDATE relays
             SET holder = $2, lease_until_ms = $4, updated_at_ms = $3
             WHERE name = $1 AND retry_at_ms <= $3 AND (holder IS NULL OR holder = $2 OR lease_until_ms <= $3)
             RETURNING name, position, holder, lease_until_ms, failures, retry_at_ms, last_error",
            name,
            holder,
            now_ms,
            until_ms
        )?;
        Ok(found.map(Relay::from))
    }

    /// Notes what was delivered; `false` where the lease was lost meanwhile.
    pub async fn advance_relay(&mut self, name: &str, holder: Uuid, position: i64, until_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE relays
             SET position = $3, lease_until_ms = $4, failures = 0, retry_at_ms = 0, last_error = NULL
             WHERE name = $1 AND holder = $2",
            name,
            holder,
            position,
            until_ms
        )?;
        Ok(touched == 1)
    }

    /// Gives the lease back, so that another process need not wait for its end.
    pub async fn release_relay(&mut self, name: &str, holder: Uuid) -> Result<()> {
        run!(
            self,
            "UPDATE relays
             SET holder = NULL, lease_until_ms = 0
             WHERE name = $1 AND holder = $2",
            name,
            holder
        )?;
        Ok(())
    }

    /// Notes a failure with the time of the next try; `false` where the lease was lost meanwhile.
    pub async fn fail_relay(&mut self, name: &str, holder: Uuid, retry_at_ms: i64, error: &str) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE relays
             SET failures = failures + 1, retry_at_ms = $3, last_error = $4
             WHERE name = $1 AND holder = $2",
            name,
            holder,
            retry_at_ms,
            error
        )?;
        Ok(touched == 1)
    }

    /// Sends a relay back, or on, to a position, at once; `false` where there is no such relay.
    pub async fn move_relay(&mut self, name: &str, position: i64, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE relays
             SET position = $2, holder = NULL, lease_until_ms = 0, failures = 0, retry_at_ms = 0, last_error = NULL,
                 updated_at_ms = $3
             WHERE name = $1 AND name <> 'outbox'",
            name,
            position,
            now_ms
        )?;
        Ok(touched == 1)
    }

    pub async fn insert_dead_letter(&mut self, letter: &DeadLetter) -> Result<()> {
        run!(
            self,
            "INSERT INTO dead_letters (id, relay, event_id, position, kind, subject, body, attempts, error, died_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            letter.id,
            letter.relay.as_str(),
            letter.event_id,
            letter.position,
            letter.kind.as_str(),
            letter.subject.as_str(),
            letter.body.as_str(),
            letter.attempts,
            letter.error.as_str(),
            letter.died_at_ms
        )?;
        Ok(())
    }

    /// Forgets a dead letter; `false` where there is none of this id.
    pub async fn delete_dead_letter(&mut self, id: Uuid) -> Result<bool> {
        let touched = run!(self, "DELETE FROM dead_letters WHERE id = $1", id)?;
        Ok(touched == 1)
    }

    /// Forgets dead letters from before a time, at most `limit` at a time; says how many that were.
    pub async fn delete_dead_letters_before(&mut self, before_ms: i64, limit: u32) -> Result<u64> {
        run!(
            self,
            "DELETE FROM dead_letters
             WHERE id IN (SELECT id
                          FROM dead_letters
                          WHERE died_at_ms < $1
                          ORDER BY id
                          LIMIT $2)",
            before_ms,
            i64::from(limit)
        )
    }
}
