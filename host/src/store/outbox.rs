//! Events that are stored with the change they tell of, until somebody delivered them.

use std::collections::HashSet;

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::rows::Event;
use super::{Store, Writer};
use crate::catalog::ids::WarehouseId;
use crate::error::Result;

record! {
    struct EventRecord {
        id: Uuid,
        kind: String,
        warehouse_id: Option<Uuid>,
        subject: String,
        body: String,
        at_ms: i64,
    }
}

record! {
    struct SubjectRecord {
        subject: String,
    }
}

impl Store {
    /// Undelivered events, oldest first, after the given one.
    pub async fn events_page(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<Event>> {
        let mut lease = self.read("events_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            EventRecord,
            "SELECT id, kind, warehouse_id, subject, body, at_ms
             FROM outbox
             WHERE id > $1
             ORDER BY id
             LIMIT $2",
            after.unwrap_or(Uuid::nil()),
            i64::from(limit)
        )?;
        let event = |record: EventRecord| Event {
            id: record.id,
            kind: record.kind,
            warehouse_id: record.warehouse_id.map(WarehouseId),
            subject: record.subject,
            body: record.body,
            at_ms: record.at_ms,
        };
        Ok(found.into_iter().map(event).collect())
    }

    /// What events of this kind tell of, as long as the outbox has them; looks at all of it.
    pub async fn subjects_of(&self, kind: &str) -> Result<HashSet<String>> {
        let mut lease = self.read("subjects_of").await?;
        let found = rows!(
            lease,
            fetch_all,
            SubjectRecord,
            "SELECT DISTINCT subject
             FROM outbox
             WHERE kind = $1
             ORDER BY subject",
            kind
        )?;
        Ok(found.into_iter().map(|record| record.subject).collect())
    }
}

impl Writer {
    /// Stores an event with the change it tells of.
    pub async fn append_event(&mut self, event: &Event) -> Result<()> {
        run!(
            self,
            "INSERT INTO outbox (id, kind, warehouse_id, subject, body, at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
            event.id,
            event.kind.as_str(),
            event.warehouse_id.map(|id| id.0),
            event.subject.as_str(),
            event.body.as_str(),
            event.at_ms
        )?;
        self.promise(event);
        Ok(())
    }

    /// The same, unless the outbox has an event of this id; then the first one stays.
    pub async fn append_event_once(&mut self, event: &Event) -> Result<()> {
        let touched = run!(
            self,
            "INSERT INTO outbox (id, kind, warehouse_id, subject, body, at_ms)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO NOTHING",
            event.id,
            event.kind.as_str(),
            event.warehouse_id.map(|id| id.0),
            event.subject.as_str(),
            event.body.as_str(),
            event.at_ms
        )?;
        if touched == 1 {
            self.promise(event);
        }
        Ok(())
    }

    /// Forgets events from before a time, delivered or not, at most `limit` at a time; says how many that were.
    pub async fn delete_events_before(&mut self, before_ms: i64, limit: u32) -> Result<u64> {
        run!(
            self,
            "DELETE FROM outbox
             WHERE id IN (SELECT id
                          FROM outbox
                          WHERE at_ms < $1
                          ORDER BY id
                          LIMIT $2)",
            before_ms,
            i64::from(limit)
        )
    }
}
