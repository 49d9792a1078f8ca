//! The record of who was allowed or denied what: which decisions are kept, where they go.

mod record;
mod rotating_file;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

pub use record::{Entry, Record, Verdict, Wished};
use rotating_file::RotatingFile;

use crate::config::{self, AuditedDecisions};

/// Records that wait for the outbox; more are lost to it, which is counted, then said in the log.
const WAITING_MAX: usize = 10_000;

/// What makes a decision worth a record.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Denied, or not decided.
    pub refused: bool,
    /// It would change something.
    pub changes: bool,
    /// Asked beside the question that the request is about.
    pub aside: bool,
}

/// Where records go.
pub struct Audit {
    section: config::Audit,
    file: Option<RotatingFile>,
    waiting: Mutex<VecDeque<Entry>>,
}

impl Audit {
    pub fn open(section: &config::Audit) -> anyhow::Result<Self> {
        let open = |path: &std::path::PathBuf| {
            RotatingFile::open(path, section.file_bytes_max, section.files_kept)
                .map_err(|error| anyhow::anyhow!("`audit.file` cannot be written: {}: {error}", path.display()))
        };
        let file = section.file.as_ref().map(open).transpose()?;
        Ok(Self { section: section.clone(), file, waiting: Mutex::default() })
    }

    /// Whether such a decision is recorded.
    pub fn wants(&self, weight: Weight) -> bool {
        self.section.is_kept()
            && match self.section.decisions {
                AuditedDecisions::None => false,
                AuditedDecisions::Denials => weight.refused && !weight.aside,
                AuditedDecisions::Changes => (weight.refused || weight.changes) && !weight.aside,
                AuditedDecisions::All => true,
            }
    }

    /// Whether records become events.
    pub fn feeds_the_outbox(&self) -> bool {
        self.section.outbox
    }

    /// Writes one record to the log, to the file, puts it in line for the outbox.
    pub fn write(&self, entry: Entry) {
        if self.section.log {
            entry.log();
        }
        if let Some(file) = &self.file
            && let Err(error) = entry.line().and_then(|line| file.write_line(&line))
        {
            lost("file");
            tracing::error!(%error, request.id = entry.request_id, "a record of the audit did not reach its file");
        }
        if self.section.outbox {
            self.put_in_line(entry);
        }
    }

    /// So many decisions of one request are recorded nowhere, because it took too many.
    pub fn leave_out(&self, count: u64, request_id: &str) {
        if count > 0 {
            metrics::counter!("weir_audit_lost_total", "way" => "request").increment(count);
            tracing::error!(
                count,
                request.id = request_id,
                "a request took more decisions than the audit records of one"
            );
        }
    }

    /// The oldest records that the outbox has not got yet. They stay until `forget` says that it has.
    pub fn waiting(&self, limit: usize) -> Vec<Entry> {
        self.line().iter().take(limit).cloned().collect()
    }

    /// The outbox has the oldest `count` records.
    pub fn forget(&self, count: usize) {
        let mut waiting = self.line();
        let count = count.min(waiting.len());
        waiting.drain(..count);
    }

    fn put_in_line(&self, entry: Entry) {
        let mut waiting = self.line();
        if waiting.len() < WAITING_MAX {
            waiting.push_back(entry);
            return;
        }
        drop(waiting);
        lost("outbox");
        tracing::error!(
            request.id = entry.request_id,
            "a record of the audit did not reach the outbox: it has no room"
        );
    }

    fn line(&self) -> std::sync::MutexGuard<'_, VecDeque<Entry>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost(way: &'static str) {
    metrics::counter!("weir_audit_lost_total", "way" => way).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(decisions: AuditedDecisions, (refused, changes, aside): (bool, bool, bool)) -> bool {
        let section = config::Audit { decisions, log: true, ..config::Audit::default() };
        Audit::open(&section).unwrap().wants(Weight { refused, changes, aside })
    }

    #[test]
    fn what_was_refused_or_changes_something_is_recorded() {
        let (read, refused, change, aside) =
            ((false, false, false), (true, false, false), (false, true, false), (true, true, true));
        for (decisions, recorded) in [
            (AuditedDecisions::None, [false, false, false, false]),
            (AuditedDecisions::Denials, [false, true, false, false]),
            (AuditedDecisions::Changes, [false, true, true, false]),
            (AuditedDecisions::All, [true, true, true, true]),
        ] {
            assert_eq!(
                [read, refused, change, aside].map(|weight| wants(decisions, weight)),
                recorded,
                "{decisions:?}"
            );
        }
    }

    #[test]
    fn without_a_way_out_nothing_is_recorded() {
        let audit = Audit::open(&config::Audit::default()).unwrap();

        assert!(!audit.wants(Weight { refused: true, changes: true, aside: false }));
    }
}
