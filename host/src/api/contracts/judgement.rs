//! What all contracts together say to a request.

use crate::error::Error;
use crate::plugin::chain::Silence;
use crate::plugin::{Finding, Panel, Report, Room, Untold};

/// How long a client waits where a contract does not say.
const RETRY_AFTER_S: u32 = 1;
const RETRY_AFTER_S_MAX: u32 = 60;
/// A client that has so much to repair need not be told more at once.
const VIOLATIONS_ENOUGH: usize = 1_000;

/// Every violation of every contract, with those that could not judge.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// Of the plugins that judged.
    pub generation: u64,
    /// The names of the objects, in the order of the changes.
    pub shown: Vec<String>,
    pub violations: Vec<Violated>,
    /// Those that there was no room to tell.
    pub untold: Untold,
    room: Room,
    pub unable: Vec<Unable>,
}

/// A violation with the contract that found it.
#[derive(Clone, Debug)]
pub struct Violated {
    pub plugin: String,
    pub digest: String,
    pub finding: Finding,
}

/// A contract that could not judge.
#[derive(Clone, Debug)]
pub struct Unable {
    pub plugin: String,
    pub silence: Silence,
}

/// What a judgement comes to; the earlier variant beats the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Violated,
    Undecided,
    Passed,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::Undecided => "undecided",
            Self::Passed => "passed",
        }
    }
}

impl Judgement {
    /// Nobody has a word to say.
    pub fn content(panel: &Panel) -> Self {
        Self { generation: panel.generation, ..Self::default() }
    }

    pub fn of(generation: u64, shown: Vec<String>, reports: Vec<Report>) -> Self {
        let mut judgement = Self { generation, shown, ..Self::default() };
        judgement.add(reports);
        judgement
    }

    fn add(&mut self, reports: Vec<Report>) {
        for Report { plugin, digest, said, .. } in reports {
            match said {
                Ok(findings) => {
                    self.untold.join(findings.untold);
                    for finding in findings.told {
                        self.tell(Violated { plugin: plugin.clone(), digest: digest.clone(), finding });
                    }
                }
                Err(silence) => self.unable.push(Unable { plugin, silence }),
            }
        }
    }

    fn tell(&mut self, violated: Violated) {
        if self.room.takes(&violated.finding) {
            self.violations.push(violated);
        } else {
            self.untold.add(violated.finding.blocks);
        }
    }

    /// Whether further changes need not be judged: the request is refused anyway. Warnings refuse nothing, however many.
    pub fn is_hopeless(&self) -> bool {
        self.blocking_count() >= VIOLATIONS_ENOUGH || !self.unable.is_empty()
    }

    fn blocking_count(&self) -> usize {
        self.blocking().count() + self.untold.blocking
    }

    /// Takes over what was said to further changes.
    pub fn join(&mut self, other: Self) {
        let before = self.shown.len();
        self.generation = other.generation;
        self.shown.extend(other.shown);
        self.untold.join(other.untold);
        for mut violated in other.violations {
            violated.finding.change = violated.finding.change.map(|change| change + before);
            self.tell(violated);
        }
        self.unable.extend(other.unable);
    }

    /// A violation beats a contract that cannot judge, which beats all that are content.
    pub fn verdict(&self) -> Verdict {
        match (self.blocking_count(), self.unable.is_empty()) {
            (1.., _) => Verdict::Violated,
            (0, false) => Verdict::Undecided,
            (0, true) => Verdict::Passed,
        }
    }

    pub fn blocking(&self) -> impl Iterator<Item = &Violated> {
        self.violations.iter().filter(|violated| violated.finding.blocks)
    }

    /// The object that a violation is about; `None` where it is about the whole transaction.
    pub fn subject(&self, violated: &Violated) -> Option<&str> {
        violated.finding.change.and_then(|at| self.shown.get(at)).map(String::as_str)
    }

    /// Nothing, or the error that stops the change: 400 with every violation where a contract refuses it; 503, on commits
    /// 429, where one cannot judge it.
    pub fn enforce(&self) -> Result<(), Error> {
        match self.verdict() {
            Verdict::Passed => Ok(()),
            Verdict::Violated => Err(Error::ContractViolation(self.told())),
            Verdict::Undecided => Err(self.undecided()),
        }
    }

    /// Every violation that stops the change, a line each, as far as there is room.
    fn told(&self) -> String {
        let count = self.blocking_count();
        let violations = if count == 1 { "violation" } else { "violations" };
        let mut text = format!("{count} {violations} of data contracts, nothing was changed:");
        for violated in self.blocking() {
            let finding = &violated.finding;
            let subject = self.subject(violated).unwrap_or("the transaction");
            let path = finding.path.as_deref().map(|path| format!(" at {path}")).unwrap_or_default();
            let (plugin, rule, message) = (&violated.plugin, &finding.rule, &finding.message);
            text.push_str(&format!("\n{subject}{path}: {message} (rule {rule} of {plugin})"));
        }
        if self.untold.blocking > 0 {
            text.push_str(&format!("\n{} more are not told: repair these, then ask again", self.untold.blocking));
        }
        for unable in &self.unable {
            text.push_str(&format!("\n{} could not judge ({})", unable.plugin, unable.silence.code));
        }
        text
    }

    fn undecided(&self) -> Error {
        let pause = |unable: &Unable| unable.silence.retry_after_ms.map_or(RETRY_AFTER_S, |ms| ms.div_ceil(1_000));
        let retry_after_s = self.unable.iter().map(pause).max().unwrap_or(RETRY_AFTER_S);
        let named: Vec<String> =
            self.unable.iter().map(|unable| format!("{} ({})", unable.plugin, unable.silence.code)).collect();
        Error::Unavailable {
            message: format!(
                "data contracts could not judge the change: {}; nothing was done; retry",
                named.join(", ")
            ),
            retry_after_s: retry_after_s.clamp(RETRY_AFTER_S, RETRY_AFTER_S_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Findings;

    fn report(plugin: &str, said: Result<Vec<Finding>, Silence>) -> Report {
        let said = said.map(|told| Findings { told, untold: Untold::default() });
        Report { plugin: plugin.into(), digest: String::new(), said, duration: std::time::Duration::ZERO }
    }

    fn finding(rule: &str, blocks: bool) -> Finding {
        Finding { change: Some(0), rule: rule.into(), message: "broken".into(), blocks, path: None }
    }

    fn silent() -> Result<Vec<Finding>, Silence> {
        Err(Silence { code: "plugin_timeout", retry_after_ms: Some(2_500) })
    }

    fn judgement(reports: Vec<Report>) -> Judgement {
        Judgement::of(1, vec!["table ns.t".into()], reports)
    }

    #[test]
    fn i3_a_violation_beats_silence_which_beats_content_and_warnings_stop_nothing() {
        let content = || report("content", Ok(Vec::new()));
        let warns = report("warns", Ok(vec![finding("soft", false)]));
        assert_eq!(judgement(vec![content(), warns]).verdict(), Verdict::Passed);
        assert_eq!(judgement(vec![content(), report("silent", silent())]).verdict(), Verdict::Undecided);
        let both = judgement(vec![report("silent", silent()), report("strict", Ok(vec![finding("hard", true)]))]);
        assert_eq!(both.verdict(), Verdict::Violated);
        let Err(Error::ContractViolation(message)) = both.enforce() else { panic!("a violation") };
        assert!(message.contains("rule hard of strict") && message.contains("silent could not judge"), "{message}");
    }

    #[test]
    fn the_longest_pause_is_told() {
        let Err(Error::Unavailable { retry_after_s, .. }) = judgement(vec![report("s", silent())]).enforce() else {
            panic!("undecided")
        };
        assert_eq!(retry_after_s, 3);
    }

    #[test]
    fn i1_warnings_however_many_do_not_end_a_judgement() {
        let mut warned = judgement(vec![report("soft", Ok(vec![finding("soft", false); 5_000]))]);
        assert_eq!((warned.is_hopeless(), warned.verdict()), (false, Verdict::Passed));
        warned.join(judgement(vec![report("hard", Ok(vec![finding("hard", true); 1_000]))]));
        assert_eq!((warned.is_hopeless(), warned.verdict()), (true, Verdict::Violated));
    }

    #[test]
    fn what_many_contracts_say_together_is_bounded() {
        let long = Finding { message: "x".repeat(4_000), ..finding("hard", true) };
        let reports = (0..100).map(|at| report(&format!("p{at}"), Ok(vec![long.clone(); 10]))).collect();
        let Err(Error::ContractViolation(message)) = judgement(reports).enforce() else { panic!("a violation") };
        assert!(message.len() < 512 << 10, "{}", message.len());
        assert!(message.starts_with("1000 violations") && message.contains("more are not told"), "{message:.200}");
    }

    #[test]
    fn joined_judgements_keep_their_objects() {
        let mut first = judgement(vec![report("a", Ok(vec![finding("one", true)]))]);
        first.join(Judgement::of(1, vec!["table ns.u".into()], vec![report("a", Ok(vec![finding("two", true)]))]));
        let told: Vec<_> = first.violations.iter().map(|violated| first.subject(violated)).collect();
        assert_eq!(told, [Some("table ns.t"), Some("table ns.u")]);
    }
}
