//! The trail of a request: its decisions, written down when it is known how it ended.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::{Audit, Entry, Record, Weight};

/// As many decisions of one request are recorded; a recursive drop makes one for each table.
const RECORDS_MAX: usize = 10_000;
const USER_AGENT_BYTES_MAX: usize = 200;

tokio::task_local! {
    /// What was decided for the request that this task works on.
    static NOTES: Arc<Mutex<Notes>>;
}

#[derive(Default)]
struct Notes {
    audit: Option<Arc<Audit>>,
    records: Vec<Record>,
    /// Decisions beyond `RECORDS_MAX`.
    left_out: u64,
}

/// Notes a decision of the request that is worked on; outside of requests nobody is accountable.
pub fn note(audit: &Arc<Audit>, weight: Weight, record: impl FnOnce() -> Record) {
    if !audit.wants(weight) {
        return;
    }
    // An error says that no request is worked on.
    let _ = NOTES.try_with(|notes| {
        let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.records.len() < RECORDS_MAX {
            notes.audit.get_or_insert_with(|| Arc::clone(audit));
            notes.records.push(record());
        } else {
            notes.left_out += 1;
        }
    });
}

/// Everything that is decided for one request. Dropped without an end, it tells that the client did not wait.
pub(super) struct Trail {
    notes: Arc<Mutex<Notes>>,
    request_id: String,
    client: Option<IpAddr>,
    user_agent: String,
}

impl Trail {
    pub(super) fn begin(request: &Request, request_id: &str, client: Option<IpAddr>) -> Self {
        let user_agent = request.headers().get(USER_AGENT).and_then(|name| name.to_str().ok()).unwrap_or_default();
        Self {
            notes: Arc::default(),
            request_id: request_id.to_owned(),
            client,
            // It is plain ASCII, so it can be cut anywhere.
            user_agent: user_agent.get(..USER_AGENT_BYTES_MAX).unwrap_or(user_agent).to_owned(),
        }
    }

    /// Works on the request; what is decided meanwhile belongs to it.
    pub(super) async fn follow<T>(&self, work: impl Future<Output = T>) -> T {
        NOTES.scope(Arc::clone(&self.notes), work).await
    }

    pub(super) fn end(&self, status: StatusCode) {
        self.write(status.as_str());
    }

    fn write(&self, outcome: &str) {
        let notes = std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(audit) = notes.audit else { return };
        audit.leave_out(notes.left_out, &self.request_id);
        let at = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        for record in notes.records {
            audit.write(Entry {
                at: at.clone(),
                request_id: self.request_id.clone(),
                client_address: self.client.map(|address| address.to_string()),
                user_agent: self.user_agent.clone(),
                record,
                outcome: outcome.to_owned(),
            });
        }
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.write("abandoned");
    }
}
