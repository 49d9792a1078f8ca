//! The queues of background work: what each is asked to do.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A queue; its name is what the management API shows and what Lakekeeper calls the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// Drops soft-deleted tables and views whose time has come.
    SoftDeletion,
    /// Deletes the files of a dropped table or view.
    TabularPurge,
    /// Deletes a metadata file that fell out of a table's log, or that a lost race left behind.
    MetadataCleanup,
    /// Forgets finished tasks.
    TaskLogCleanup,
    /// Forgets expired idempotency keys.
    IdempotencyCleanup,
    /// Forgets delivered events.
    OutboxCleanup,
    /// Deletes metadata files that a killed process left before the commit that they were for.
    OrphanCleanup,
}

impl Queue {
    pub const ALL: [Self; 7] = [
        Self::SoftDeletion,
        Self::TabularPurge,
        Self::MetadataCleanup,
        Self::TaskLogCleanup,
        Self::IdempotencyCleanup,
        Self::OutboxCleanup,
        Self::OrphanCleanup,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SoftDeletion => "soft_deletion",
            Self::TabularPurge => "tabular_purge",
            Self::MetadataCleanup => "metadata_cleanup",
            Self::TaskLogCleanup => "task_log_cleanup",
            Self::IdempotencyCleanup => "idempotency_cleanup",
            Self::OutboxCleanup => "outbox_cleanup",
            Self::OrphanCleanup => "orphan_cleanup",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == text)
    }
}

/// What [`Queue::SoftDeletion`] is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expiration {
    /// Which drop it ends: what was brought back, then dropped again, belongs to another task.
    pub deleted_at_ms: i64,
    /// Whether the files go too.
    pub purge: bool,
}

/// What [`Queue::TabularPurge`] is asked. The row is gone by then, so all that is needed travels in the task.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Purge {
    /// The table's location; nothing outside is touched.
    pub location: String,
}

/// What [`Queue::MetadataCleanup`] is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetadataFile {
    pub file: String,
}

pub fn payload_text<T: Serialize>(payload: &T) -> Result<String> {
    serde_json::to_string(payload).map_err(Error::internal)
}

pub fn payload<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_queue_is_found_by_its_name() {
        for queue in Queue::ALL {
            assert_eq!(Queue::parse(queue.as_str()), Some(queue));
        }
        assert_eq!(Queue::parse("unknown"), None);
    }
}
