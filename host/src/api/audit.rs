//! The trail of a request: its decisions, written down with the change that they allow, then when it is known how it ended.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::audit::{Audit, Entry, Record, Weight};
use crate::error::Result;
use crate::store::Writer;
use crate::tasks;

/// As many decisions of one request are recorded; a recursive drop makes one for each table.
const RECORDS_MAX: usize = 10_000;
const USER_AGENT_BYTES_MAX: usize = 200;

tokio::task_local! {
    /// What was decided for the request that this task works on.
    static NOTES: Arc<Mutex<Notes>>;
}

struct Notes {
    request: Asked,
    audit: Option<Arc<Audit>>,
    noted: Vec<Noted>,
    /// So many of them were looked at by a transaction already.
    carried: usize,
    /// Decisions beyond `RECORDS_MAX`.
    left_out: u64,
}

/// The request itself.
#[derive(Clone)]
struct Asked {
    id: String,
    client: Option<IpAddr>,
    user_agent: String,
}

#[derive(Clone)]
struct Noted {
    id: Uuid,
    /// Somebody was allowed to change something.
    allows_change: bool,
    record: Record,
}

impl Asked {
    fn entry(&self, noted: Noted, outcome: &str) -> Entry {
        Entry {
            id: noted.id,
            at: OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(),
            request_id: self.id.clone(),
            client_address: self.client.map(|address| address.to_string()),
            user_agent: self.user_agent.clone(),
            record: noted.record,
            outcome: outcome.to_owned(),
        }
    }
}

/// Notes a decision of the request that is worked on; outside of requests nobody is accountable.
pub fn note(audit: &Arc<Audit>, weight: Weight, record: impl FnOnce() -> Record) {
    if !audit.wants(weight) {
        return;
    }
    // An error says that no request is worked on.
    let _ = NOTES.try_with(|notes| {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.noted.len() < RECORDS_MAX {
            notes.audit.get_or_insert_with(|| Arc::clone(audit));
            let allows_change = weight.changes && !weight.refused && !weight.aside;
            notes.noted.push(Noted { id: Uuid::now_v7(), allows_change, record: record() });
        } else {
            notes.left_out += 1;
        }
    });
}

/// Stores what allowed a change in the transaction that makes it, where the audit goes to the outbox: no crash parts the two.
/// It is stored again with the answer, under the same id; then the first one stays.
pub async fn store_with(writer: &mut Writer, now_ms: i64) -> Result<()> {
    let due = NOTES.try_with(|notes| {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.due()
    });
    // An error says that no request is worked on.
    for entry in due.unwrap_or_default() {
        writer.append_event_once(&tasks::audit::event(&entry, now_ms)?).await?;
    }
    Ok(())
}

impl Notes {
    /// What no transaction has looked at yet.
    fn due(&mut self) -> Vec<Entry> {
        if !self.audit.as_ref().is_some_and(|audit| audit.feeds_the_outbox()) {
            return Vec::new();
        }
        let new = self.noted.get(self.carried..).unwrap_or_default();
        self.carried = self.noted.len();
        let allowing = new.iter().filter(|noted| noted.allows_change);
        allowing.map(|noted| self.request.entry(noted.clone(), "committed")).collect()
    }
}

/// Everything that is decided for one request. Dropped without an end, it tells that the client did not wait.
pub(super) struct Trail {
    notes: Arc<Mutex<Notes>>,
}

impl Trail {
    pub(super) fn begin(request: &Request, request_id: &str, client: Option<IpAddr>) -> Self {
        let user_agent = request.headers().get(USER_AGENT).and_then(|name| name.to_str().ok()).unwrap_or_default();
        // It is plain ASCII, so it can be cut anywhere.
        let user_agent = user_agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(user_agent).to_owned();
        let request = Asked { id: request_id.to_owned(), client, user_agent };
        let notes = Notes { request, audit: None, noted: Vec::new(), carried: 0, left_out: 0 };
        Self { notes: Arc::new(Mutex::new(notes)) }
    }

    /// Works on the request; what is decided meanwhile belongs to it.
    pub(super) async fn follow<T>(&self, work: impl Future<Output = T>) -> T {
        NOTES.scope(Arc::clone(&self.notes), work).await
    }

    pub(super) fn end(&self, status: StatusCode) {
        self.write(status.as_str());
    }

    fn write(&self, outcome: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(audit) = notes.audit.take() else { return };
        audit.leave_out(notes.left_out, &notes.request.id);
        for noted in std::mem::take(&mut notes.noted) {
            audit.write(notes.request.entry(noted, outcome));
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.write("abandoned");
    }
}
