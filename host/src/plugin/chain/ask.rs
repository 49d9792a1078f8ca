//! Questions to a chain: every authorizer that governs an object is asked once a batch.

use std::time::Instant;

use super::{Chain, Decider, Decision, Outcome, Seat, Silence, Tally, Voice, Word};
use crate::plugin::{Call, Check};

/// The most checks that cross to a guest in one call; more are asked in several.
pub const CHECKS_MAX: usize = 1_000;

/// What one authorizer says to one check, for those who want to know why.
#[derive(Clone, Debug)]
pub struct Opinion {
    pub plugin: String,
    pub digest: String,
    pub shadow: bool,
    /// `None` where the object is outside of the authorizer's scope.
    pub voice: Option<Voice>,
}

impl<D: Decider> Chain<D> {
    /// One decision for each check, in order.
    pub async fn decide(&self, call: &Call, checks: &[Check]) -> Vec<Decision> {
        let started = Instant::now();
        let tallies = self.tallies(call, checks).await;
        let duration = started.elapsed();
        tallies.iter().map(|tally| Decision { duration, ..self.decision(tally) }).collect()
    }

    /// What the enforcing authorizers say together, one tally for each check.
    async fn tallies(&self, call: &Call, checks: &[Check]) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); checks.len()];
        for (number, seat) in self.seats().iter().enumerate().filter(|(_, seat)| !seat.shadow) {
            let open = |at: &usize| !tallies[*at].is_settled() && seat.governs(&checks[*at].object);
            let asked: Vec<usize> = (0..checks.len()).filter(open).collect();
            for (at, voice) in ask_seat(seat, call, checks, &asked).await {
                tallies[at].hear(number, voice);
            }
        }
        tallies
    }

    pub(super) fn decision(&self, tally: &Tally) -> Decision {
        let seat = tally.speaker().and_then(|number| self.seats().get(number));
        let voice = tally.voice().filter(|_| seat.is_some());
        Decision {
            outcome: tally.outcome(),
            rule: voice.and_then(|voice| voice.rule.clone()),
            reason: voice.and_then(|voice| voice.reason.clone()),
            plugin: seat.map(|seat| seat.decider.name().to_owned()),
            digest: seat.map(|seat| seat.decider.digest().to_owned()),
            generation: self.generation,
            duration: std::time::Duration::ZERO,
        }
    }

    /// What everybody says, those included whose word would not have counted: for each check one opinion a seat.
    pub async fn opinions(&self, call: &Call, checks: &[Check]) -> Vec<Vec<Opinion>> {
        let mut opinions: Vec<Vec<Opinion>> = vec![Vec::with_capacity(self.seats().len()); checks.len()];
        for seat in self.seats() {
            for of_check in &mut opinions {
                of_check.push(Opinion {
                    plugin: seat.decider.name().to_owned(),
                    digest: seat.decider.digest().to_owned(),
                    shadow: seat.shadow,
                    voice: None,
                });
            }
            let governed: Vec<usize> = (0..checks.len()).filter(|at| seat.governs(&checks[*at].object)).collect();
            for (at, voice) in ask_seat(seat, call, checks, &governed).await {
                if let Some(opinion) = opinions[at].last_mut() {
                    opinion.voice = Some(voice);
                }
            }
        }
        opinions
    }

    /// What opinions come to; shadows are not heard.
    pub fn outcome(&self, opinions: &[Opinion]) -> Outcome {
        let mut tally = Tally::default();
        for (seat, opinion) in opinions.iter().enumerate().filter(|(_, opinion)| !opinion.shadow) {
            if let Some(voice) = &opinion.voice {
                tally.hear(seat, voice.clone());
            }
        }
        tally.outcome()
    }

    /// What would have been decided if each shadow had been heard too: for each shadow that differs its name, which
    /// check, the other outcome.
    pub async fn differences(&self, call: &Call, checks: &[Check], live: &[Decision]) -> Vec<(String, usize, Outcome)> {
        let mut differences = Vec::new();
        for (number, seat) in self.seats().iter().enumerate().filter(|(_, seat)| seat.shadow) {
            let governed: Vec<usize> = (0..checks.len()).filter(|at| seat.governs(&checks[*at].object)).collect();
            for (at, voice) in ask_seat(seat, call, checks, &governed).await {
                let mut tally = Tally::default();
                if let Some(decided) = live.get(at) {
                    tally.hear(0, as_voice(decided));
                }
                tally.hear(number, voice);
                if live.get(at).is_some_and(|decided| decided.outcome != tally.outcome()) {
                    differences.push((seat.decider.name().to_owned(), at, tally.outcome()));
                }
            }
        }
        differences
    }
}

/// What the enforcing chain said as one voice. A deny by default is no deny: a shadow may still allow.
fn as_voice(decided: &Decision) -> Voice {
    Voice::plain(match &decided.outcome {
        Outcome::Deny if decided.plugin.is_none() => Word::Abstain,
        Outcome::Deny => Word::Deny,
        Outcome::Unable(silence) => Word::Silent(silence.clone()),
        Outcome::Allow => Word::Allow,
    })
}

/// What one authorizer says to the checks at these places; an answer of another length is none.
async fn ask_seat<D: Decider>(seat: &Seat<D>, call: &Call, checks: &[Check], places: &[usize]) -> Vec<(usize, Voice)> {
    let mut heard = Vec::with_capacity(places.len());
    for places in places.chunks(CHECKS_MAX) {
        // The usual question: the whole batch, which need not be copied.
        let said = if places.len() == checks.len() {
            seat.decider.authorize(call, checks).await
        } else {
            let some: Vec<Check> = places.iter().map(|at| checks[*at].clone()).collect();
            seat.decider.authorize(call, &some).await
        };
        match said {
            Ok(verdicts) if verdicts.len() == places.len() => {
                heard.extend(places.iter().copied().zip(verdicts.into_iter().map(Voice::from)));
            }
            Ok(_) => heard.extend(places.iter().map(|at| (*at, Voice::silent(Silence::BAD_OUTPUT)))),
            Err(silence) => heard.extend(places.iter().map(|at| (*at, Voice::silent(silence.clone())))),
        }
    }
    heard
}
