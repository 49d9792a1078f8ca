//! What contracts find wrong with a change, bounded: what no answer has room for is counted instead.

use super::faults::plain;
use super::{Severity, Violation};

const RULE_BYTES_MAX: usize = 128;
const PATH_BYTES_MAX: usize = 256;
const MESSAGE_BYTES_MAX: usize = 4_096;
/// What surrounds the words of a violation in an answer.
const FRAME_BYTES: usize = 128;
/// The words of all violations of one severity together: a client that has so much to read need not be told more at once.
const WORDS_BYTES_MAX: usize = 256 << 10;

/// A violation, with the change that it is about; `None` where it is about the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub change: Option<usize>,
    pub rule: String,
    pub message: String,
    pub blocks: bool,
    /// The column or the property that it is about.
    pub path: Option<String>,
}

/// Violations in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    pub told: Vec<Finding>,
    /// How many more there are.
    pub untold: Untold,
}

/// Violations of which only the number is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    pub blocking: usize,
    pub warnings: usize,
}

/// Room for words, so that warnings take none from what stops a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Room {
    blocking: usize,
    warnings: usize,
}

impl Finding {
    /// The guest's words as plain lines of bounded length: they reach answers, logs.
    pub(super) fn of(change: Option<usize>, violation: &Violation) -> Self {
        Self {
            change,
            rule: plain(&violation.rule, RULE_BYTES_MAX),
            message: plain(&violation.message, MESSAGE_BYTES_MAX),
            blocks: violation.severity == Severity::Block,
            path: violation.path.as_deref().map(|path| plain(path, PATH_BYTES_MAX)),
        }
    }

    fn bytes(&self) -> usize {
        FRAME_BYTES + self.rule.len() + self.message.len() + self.path.as_deref().map_or(0, str::len)
    }
}

impl Findings {
    /// How many there are, told or not.
    pub fn count(&self) -> usize {
        self.told.len() + self.untold.blocking + self.untold.warnings
    }

    pub fn block(&self) -> bool {
        self.untold.blocking > 0 || self.told.iter().any(|finding| finding.blocks)
    }

    pub(super) fn push(&mut self, room: &mut Room, finding: Finding) {
        if room.takes(&finding) {
            self.told.push(finding);
        } else {
            self.untold.add(finding.blocks);
        }
    }
}

impl Untold {
    pub fn add(&mut self, blocks: bool) {
        if blocks {
            self.blocking += 1;
        } else {
            self.warnings += 1;
        }
    }

    pub fn join(&mut self, other: Self) {
        self.blocking += other.blocking;
        self.warnings += other.warnings;
    }
}

impl Room {
    /// Whether there still is room for it, which is taken then.
    pub fn takes(&mut self, finding: &Finding) -> bool {
        let taken = if finding.blocks { &mut self.blocking } else { &mut self.warnings };
        *taken = taken.saturating_add(finding.bytes());
        *taken <= WORDS_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(severity: Severity, bytes: usize) -> Violation {
        Violation { rule: "rule".into(), message: "x".repeat(bytes), severity, path: None }
    }

    /// T7: a contract that has endlessly much to say is heard, the words that nobody could read are not kept.
    #[test]
    fn t7_what_is_too_much_to_tell_is_counted() {
        let (mut findings, mut room) = (Findings::default(), Room::default());
        for _ in 0..1_000 {
            findings.push(&mut room, Finding::of(Some(0), &violation(Severity::Warn, 1 << 20)));
        }
        findings.push(&mut room, Finding::of(Some(0), &violation(Severity::Block, 10)));
        let bytes: usize = findings.told.iter().map(|finding| finding.message.len()).sum();
        assert!(bytes <= WORDS_BYTES_MAX, "{bytes}");
        assert_eq!((findings.count(), findings.told.last().map(|finding| finding.blocks)), (1_001, Some(true)));
        assert_eq!(findings.untold.blocking, 0);
    }

    #[test]
    fn what_blocks_does_so_even_if_there_is_no_room_to_say_why() {
        let untold = Untold { blocking: 1, warnings: 0 };
        assert!(Findings { told: Vec::new(), untold }.block());
        assert!(!Findings { told: Vec::new(), untold: Untold { blocking: 0, warnings: 9 } }.block());
    }
}
