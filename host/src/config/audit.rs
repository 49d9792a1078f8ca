//! `[audit]`: the record of who was allowed or denied what.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Problem;

/// One record for each decision that matters: who asked, through what token, what for, who decided by which rule, how it
/// ended. No token, no secret is part of it. Nothing is recorded without a way out: `log`, `file`, `outbox`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Which decisions are recorded.
    pub decisions: AuditedDecisions,
    /// Whether each record is a line of the log, with the target `weir::audit`.
    pub log: bool,
    /// Whether each record becomes an event, `weir.audit.recorded`, that the ways out of `[events]` hear of.
    pub outbox: bool,
    /// A file that each record is a line of, in JSON.
    #[schemars(with = "Option<String>", example = &"/var/log/weir/audit.jsonl")]
    pub file: Option<PathBuf>,
    /// How large the file grows, in bytes, before it becomes `<file>.1` and a new one begins.
    #[schemars(range(min = 65_536, max = 1_099_511_627_776_u64))]
    pub file_bytes_max: u64,
    /// How many full files are kept.
    #[schemars(range(min = 1, max = 1000))]
    pub files_kept: u32,
}

/// Which decisions are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AuditedDecisions {
    None,
    /// What was denied, or could not be decided.
    Denials,
    /// These, and whatever changes something.
    #[default]
    Changes,
    /// Every question, also those that are asked beside another one.
    All,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            decisions: AuditedDecisions::Changes,
            log: false,
            outbox: false,
            file: None,
            file_bytes_max: 100 << 20,
            files_kept: 10,
        }
    }
}

impl Audit {
    /// Whether any record is kept anywhere.
    pub fn is_kept(&self) -> bool {
        self.decisions != AuditedDecisions::None && (self.log || self.outbox || self.file.is_some())
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let names_no_file = self.file.as_ref().is_some_and(|file| file.file_name().is_none());
        if names_no_file {
            return vec![Problem::at("audit.file", "a path without a file name", "e.g. `/var/log/weir/audit.jsonl`")];
        }
        Vec::new()
    }
}
