//! Whether an answer fits the question.

use super::faults::PluginFault;
use super::{Grant, Verdict, Violation};

/// The largest value of an effect: 0 deny, 1 allow, 2 abstain.
const EFFECT_MAX: u8 = 2;
/// A reviewer with more to say has lost its measure; a client could not read it either.
const VIOLATIONS_MAX: usize = 1_000;
/// Of one page.
const GRANTS_MAX: usize = 10_000;
const PRIVILEGES_MAX: usize = 100;

/// A verdict too few or too many leaves open which check each is about: then none of them counts.
pub(super) fn verdicts(verdicts: &[Verdict], checks: usize) -> Result<(), PluginFault> {
    length("verdicts", verdicts.len(), checks)
}

pub(super) fn effects(effects: &[u8], items: usize) -> Result<(), PluginFault> {
    length("effects", effects.len(), items)?;
    match effects.iter().find(|effect| **effect > EFFECT_MAX) {
        Some(effect) => Err(PluginFault::BadOutput(format!("an effect is {effect}, it can be 0 to {EFFECT_MAX}"))),
        None => Ok(()),
    }
}

pub(super) fn violations(violations: &[Violation]) -> Result<(), PluginFault> {
    if violations.len() > VIOLATIONS_MAX {
        let text = format!("it found {} violations, at most {VIOLATIONS_MAX} are told", violations.len());
        return Err(PluginFault::BadOutput(text));
    }
    Ok(())
}

/// A page of grants on one object; a guest that speaks of others has lost the question.
pub(super) fn grants(grants: &[Grant], object_id: &str) -> Result<(), PluginFault> {
    if grants.len() > GRANTS_MAX {
        return Err(PluginFault::BadOutput(format!("it gave {} grants at once, it can be {GRANTS_MAX}", grants.len())));
    }
    match grants.iter().find(|grant| grant.object.id != object_id) {
        Some(_) => Err(PluginFault::BadOutput("it gave grants on another object".to_owned())),
        None => Ok(()),
    }
}

pub(super) fn privileges(privileges: &[String]) -> Result<(), PluginFault> {
    match privileges.len() {
        0..=PRIVILEGES_MAX => Ok(()),
        found => Err(PluginFault::BadOutput(format!("it knows {found} privileges, it can be {PRIVILEGES_MAX}"))),
    }
}

fn length(what: &str, found: usize, asked: usize) -> Result<(), PluginFault> {
    if found != asked {
        return Err(PluginFault::BadOutput(format!("it was asked for {asked} {what}, it gave {found}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Effect;

    fn allowed() -> Verdict {
        Verdict { effect: Effect::Allow, rule: None, reason: None }
    }

    #[test]
    fn t15_missing_or_extra_verdicts_spoil_the_whole_answer() {
        for (given, asked) in [(0, 1), (1, 2), (3, 2), (1, 0)] {
            let given = vec![allowed(); given];
            assert_eq!(verdicts(&given, asked).unwrap_err().code(), "bad_output");
        }
        verdicts(&[allowed(), allowed()], 2).unwrap();
    }

    #[test]
    fn t15_an_effect_out_of_range_spoils_the_whole_answer() {
        assert_eq!(effects(&[1, 3], 2).unwrap_err().code(), "bad_output");
        assert_eq!(effects(&[1], 2).unwrap_err().code(), "bad_output");
        effects(&[0, 1, 2], 3).unwrap();
    }
}
