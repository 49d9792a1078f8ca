//! Records of the audit on their way into the outbox.

use std::sync::Arc;
use std::time::Duration;

use serde_json::to_value;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::audit::Entry;
use crate::error::{Error, Result};
use crate::events::{EventBody, EventKind, body_text};
use crate::permit::Permit;
use crate::store::rows::Event;

/// Records stored in one transaction.
const BATCH: usize = 500;

/// Stores records until asked to stop, then once more. What allowed a change has been stored with it, and stays as it was. What a
/// crash takes of the others is in the log and in the file, where those are asked for: they are written before the answer leaves.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let poll = Duration::from_millis(app.config.events.poll_interval_ms);
    loop {
        let is_over = stop.is_cancelled();
        if let Err(error) = store_due_now(&app).await {
            tracing::warn!(error = %error, "records of the audit could not be stored; trying again");
        }
        if is_over {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(poll) => {}
        }
    }
}

/// Stores all records that wait; gives how many those were. One caller at a time.
pub async fn store_due_now(app: &App) -> Result<usize> {
    let mut stored = 0;
    loop {
        let entries = app.audit.waiting(BATCH);
        if entries.is_empty() {
            return Ok(stored);
        }
        let mut writer = app.store.begin(&Permit::operator("audit")).await?;
        for entry in &entries {
            writer.append_event_once(&event(entry, app.clock.now_ms())?).await?;
        }
        writer.commit().await?;
        app.audit.forget(entries.len());
        stored += entries.len();
    }
}

/// The event of a record; it has the record's id.
pub fn event(entry: &Entry, at_ms: i64) -> Result<Event> {
    let (id, kind, record) = (entry.id, EventKind::AuditRecorded, &entry.record);
    let subject = match &record.object_id {
        Some(id) => format!("{}/{id}", record.object_kind),
        None => record.object_kind.to_owned(),
    };
    let body = body_text(&EventBody {
        id,
        kind,
        at_ms,
        actor: &record.caller,
        request_id: Some(&entry.request_id),
        warehouse: None,
        subject: &subject,
        data: to_value(entry).map_err(Error::internal)?,
    })?;
    Ok(Event { id, kind: kind.as_str().to_owned(), warehouse_id: None, subject, body, at_ms })
}
