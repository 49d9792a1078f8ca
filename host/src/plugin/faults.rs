//! Why a plugin gave no answer.

use std::time::Duration;

use super::{Fault, FaultDetail};

/// The longest wait that a guest may tell the callers of the catalog.
const RETRY_AFTER_MS_MAX: u32 = 60_000;
/// As much of a guest's own words as is passed on.
const WORDS_BYTES_MAX: usize = 512;

/// Who has to repair it: the author of the guest, or the operator of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    Guest,
    Host,
}

/// Why a plugin gave no answer. It is never an allow, whatever the variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginFault {
    #[error("it gave no answer within {deadline_ms} ms")]
    Timeout { deadline_ms: u32 },
    #[error("its instances or the processor were busy with other calls, or as many calls as may wait were waiting")]
    Saturated,
    #[error("it broke off: {0}")]
    Trap(String),
    #[error("it wanted more memory than it may have: {0}")]
    MemoryExceeded(String),
    /// It stayed within its own bound, but others have what all plugins may have together.
    #[error("it wanted more memory than all plugins have left: {0}")]
    MemorySpent(String),
    #[error("it handed over more than {bytes_max} bytes at once")]
    OutputTooLarge { bytes_max: u32 },
    #[error("it called the host more than {calls_max} times")]
    HostCallsExceeded { calls_max: u32 },
    #[error("its answer does not fit the question: {0}")]
    BadOutput(String),
    #[error("it is not able to answer such a question: it exports no `{0}`")]
    NotExported(&'static str),
    #[error("it cannot be used now: {0}")]
    Unavailable(String),
    /// What a storage plugin answered goes further than it was asked for.
    #[error("its answer was thrown away: {0}")]
    ScopeViolation(String),
    /// The guest itself says that it cannot decide.
    #[error("it reports `{code}`: {message}")]
    Guest { kind: GuestFault, code: String, message: String, retry_after_ms: Option<u32> },
}

/// What the guest says about its own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestFault {
    InvalidInput,
    Unavailable,
    Internal,
}

impl PluginFault {
    /// All codes, in the order of [`PluginFault::index`].
    pub(super) const CODES: [&'static str; 13] = [
        "plugin_timeout",
        "plugin_saturated",
        "plugin_trap",
        "memory_exceeded",
        "output_too_large",
        "host_calls_exceeded",
        "bad_output",
        "plugin_not_able",
        "plugin_unavailable",
        "guest_invalid_input",
        "guest_unavailable",
        "guest_internal",
        "credential_scope_violation",
    ];

    pub(super) fn index(&self) -> usize {
        match self {
            Self::Timeout { .. } => 0,
            Self::Saturated => 1,
            Self::Trap(_) => 2,
            Self::MemoryExceeded(_) | Self::MemorySpent(_) => 3,
            Self::OutputTooLarge { .. } => 4,
            Self::HostCallsExceeded { .. } => 5,
            Self::BadOutput(_) => 6,
            Self::NotExported(_) => 7,
            Self::Unavailable(_) => 8,
            Self::Guest { kind: GuestFault::InvalidInput, .. } => 9,
            Self::Guest { kind: GuestFault::Unavailable, .. } => 10,
            Self::Guest { kind: GuestFault::Internal, .. } => 11,
            Self::ScopeViolation(_) => 12,
        }
    }

    /// The stable code that answers, logs, metrics carry.
    pub fn code(&self) -> &'static str {
        Self::CODES[self.index()]
    }

    pub fn blame(&self) -> Blame {
        match self {
            Self::Saturated | Self::MemorySpent(_) | Self::Unavailable(_) | Self::NotExported(_) => Blame::Host,
            _ => Blame::Guest,
        }
    }

    /// Whether the plugin itself failed; a busy host, a question that it cannot answer are no failures.
    pub(super) fn is_failure(&self) -> bool {
        self.blame() == Blame::Guest && !matches!(self, Self::Guest { kind: GuestFault::InvalidInput, .. })
    }

    /// Whether the same may go well on a machine that is less busy, so that a start is worth another attempt.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Saturated | Self::MemorySpent(_) | Self::Unavailable(_))
    }

    /// The same of a storage plugin. What it reports, what it answers too much of is mostly the word of a token service,
    /// about the storage of one warehouse: those of the others must not be left without it.
    pub(super) fn is_failure_of_storage(&self) -> bool {
        self.is_failure() && !matches!(self, Self::Guest { .. } | Self::ScopeViolation(_))
    }

    /// After which time it may be worth asking again; at least a second where nobody knows.
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Guest { retry_after_ms: Some(wait_ms), .. } => Duration::from_millis((*wait_ms).into()),
            _ => Duration::from_secs(1),
        }
    }

    /// The fault that a guest returned, its words shortened, its wish for a pause bounded.
    pub(super) fn of_guest(fault: Fault) -> Self {
        let (kind, FaultDetail { code, message, retry_after_ms }) = match fault {
            Fault::InvalidInput(detail) => (GuestFault::InvalidInput, detail),
            Fault::Unavailable(detail) => (GuestFault::Unavailable, detail),
            Fault::Internal(detail) => (GuestFault::Internal, detail),
        };
        Self::Guest {
            kind,
            code: plain(&code, 64),
            message: plain(&message, WORDS_BYTES_MAX),
            retry_after_ms: retry_after_ms.map(|wait_ms| wait_ms.min(RETRY_AFTER_MS_MAX)),
        }
    }
}

/// A guest's words as one plain line: no control characters (they could forge lines or colours of a log), bounded length.
pub(super) fn plain(words: &str, bytes_max: usize) -> String {
    let mut line = String::with_capacity(words.len().min(bytes_max));
    for c in words.chars() {
        let c = if c.is_control() || is_invisible(c) { ' ' } else { c };
        if line.len() + c.len_utf8() > bytes_max {
            break;
        }
        line.push(c);
    }
    line
}

/// The beginning of a text, cut between two characters.
pub(super) fn within_bytes(text: &str, bytes_max: usize) -> &str {
    let end = text.floor_char_boundary(bytes_max);
    &text[..end]
}

/// Line separators of Unicode, marks that turn the direction of text round.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t14_a_guest_s_words_are_one_bounded_line_and_its_pause_is_bounded() {
        let detail = FaultDetail {
            code: "down\r\nX-Evil: 1".into(),
            message: format!("\u{1b}[31mred\u{202e}{}", "é".repeat(1_000)),
            retry_after_ms: Some(u32::MAX),
        };
        let fault = PluginFault::of_guest(Fault::Unavailable(detail));
        assert_eq!(fault.code(), "guest_unavailable");
        assert_eq!(fault.retry_after(), Duration::from_secs(60));
        let PluginFault::Guest { code, message, .. } = fault else { panic!("not a guest's fault") };
        assert_eq!(code, "down  X-Evil: 1");
        assert!(message.starts_with(" [31mred é") && message.len() <= WORDS_BYTES_MAX, "{message}");
    }

    #[test]
    fn every_fault_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<_> = PluginFault::CODES.iter().collect();
        assert_eq!(codes.len(), PluginFault::CODES.len());
        assert_eq!(PluginFault::Saturated.code(), "plugin_saturated");
        assert_eq!(PluginFault::BadOutput(String::new()).code(), "bad_output");
    }
}
