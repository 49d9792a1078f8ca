//! The words of a chain: what one authorizer says, what all of them together come to.

use std::time::Duration;

use crate::plugin::{Effect, Verdict};

/// Why an authorizer gave no answer; never an allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Stable, for machines: `plugin_timeout`, `bad_output` …
    pub code: &'static str,
    pub retry_after_ms: Option<u32>,
}

impl Silence {
    /// Answers that do not line up with the questions are no answers (T15, S24).
    pub const BAD_OUTPUT: Self = Self { code: "bad_output", retry_after_ms: None };
}

/// What one authorizer says to one check; the earlier variant beats the later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Deny,
    Silent(Silence),
    Allow,
    Abstain,
}

impl Word {
    const fn rank(&self) -> u8 {
        match self {
            Self::Deny => 0,
            Self::Silent(_) => 1,
            Self::Allow => 2,
            Self::Abstain => 3,
        }
    }

    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Silent(_) => "error",
            Self::Allow => "allow",
            Self::Abstain => "abstain",
        }
    }
}

/// A word with what its speaker tells about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    pub word: Word,
    pub rule: Option<String>,
    pub reason: Option<String>,
}

const RULE_BYTES_MAX: usize = 128;
const REASON_BYTES_MAX: usize = 512;

impl Voice {
    pub fn silent(silence: Silence) -> Self {
        Self { word: Word::Silent(silence), rule: None, reason: None }
    }

    /// A word without a rule, as lists have it.
    pub const fn plain(word: Word) -> Self {
        Self { word, rule: None, reason: None }
    }
}

impl From<Verdict> for Voice {
    fn from(verdict: Verdict) -> Self {
        let word = match verdict.effect {
            Effect::Deny => Word::Deny,
            Effect::Allow => Word::Allow,
            Effect::Abstain => Word::Abstain,
        };
        let rule = verdict.rule.map(|rule| shortened(&rule, RULE_BYTES_MAX));
        Self { word, rule, reason: verdict.reason.map(|reason| shortened(&reason, REASON_BYTES_MAX)) }
    }
}

/// A guest's text as it may stand in a log line: no control characters, not too long.
fn shortened(text: &str, bytes_max: usize) -> String {
    let mut short = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars().filter(|c| !c.is_control()) {
        if short.len() + c.len_utf8() > bytes_max {
            break;
        }
        short.push(c);
    }
    short
}

/// What the chain comes to for one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Deny,
    /// It cannot be decided now.
    Unable(Silence),
    Allow,
}

impl Outcome {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Unable(_) => "error",
            Self::Allow => "allow",
        }
    }
}

/// The strongest voice so far, with the seat that it came from; of equal words the earlier seat's stays.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    strongest: Option<(usize, Voice)>,
}

impl Tally {
    pub fn hear(&mut self, seat: usize, voice: Voice) {
        let weaker = self.strongest.as_ref().is_none_or(|(_, kept)| voice.word.rank() < kept.word.rank());
        if weaker {
            self.strongest = Some((seat, voice));
        }
    }

    /// Whether nothing that is still to be said changes the outcome.
    pub fn is_settled(&self) -> bool {
        matches!(&self.strongest, Some((_, Voice { word: Word::Deny, .. })))
    }

    /// Nobody allowed means deny.
    pub fn outcome(&self) -> Outcome {
        match self.strongest.as_ref().map(|(_, voice)| &voice.word) {
            Some(Word::Silent(silence)) => Outcome::Unable(silence.clone()),
            Some(Word::Allow) => Outcome::Allow,
            Some(Word::Deny | Word::Abstain) | None => Outcome::Deny,
        }
    }

    /// The seat whose word decided; `None` where all abstained or nobody was asked.
    pub fn speaker(&self) -> Option<usize> {
        self.strongest.as_ref().filter(|(_, voice)| voice.word != Word::Abstain).map(|(seat, _)| *seat)
    }

    pub fn voice(&self) -> Option<&Voice> {
        self.strongest.as_ref().map(|(_, voice)| voice)
    }
}

/// What was decided about one check, by whom, on what ground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    pub rule: Option<String>,
    pub reason: Option<String>,
    /// The plugin whose word it was; `None` where no authorizer spoke.
    pub plugin: Option<String>,
    pub digest: Option<String>,
    pub generation: u64,
    /// How long the whole batch took.
    pub duration: Duration,
}
