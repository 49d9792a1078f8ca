//! The circuit breaker: a plugin that keeps failing is left alone for a while.

use std::sync::{Mutex, PoisonError};

/// The first pause, in milliseconds; each further one is twice as long.
const PAUSE_MS: i64 = 500;
const PAUSE_MS_MAX: i64 = 60_000;

/// Closed, open until some time, or half-open: one call tries.
#[derive(Debug)]
pub struct Breaker {
    /// Failures in a row that open it; 0 for never.
    failures_max: u32,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    /// How often it opened since the last success.
    openings: u32,
    open_until_ms: Option<i64>,
    trying: bool,
}

/// What a breaker says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    Closed,
    Open { until_ms: i64 },
    HalfOpen,
}

/// One admitted call; it must tell how it ended, and one that is dropped untold frees its place.
#[derive(Debug)]
pub struct Attempt<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
    told: bool,
}

impl Breaker {
    pub fn new(failures_max: u32) -> Self {
        Self { failures_max, state: Mutex::default() }
    }

    /// Lets a call through, or says until when none is, in milliseconds since the epoch.
    pub fn admit(&self, now_ms: i64) -> Result<Attempt<'_>, i64> {
        let mut state = self.lock();
        match state.open_until_ms {
            None => Ok(Attempt { breaker: self, is_trial: false, told: false }),
            Some(until_ms) if now_ms < until_ms || state.trying => Err(until_ms.max(now_ms + PAUSE_MS)),
            Some(_) => {
                state.trying = true;
                Ok(Attempt { breaker: self, is_trial: true, told: false })
            }
        }
    }

    pub fn position(&self, now_ms: i64) -> Position {
        match self.lock().open_until_ms {
            None => Position::Closed,
            Some(until_ms) if now_ms < until_ms => Position::Open { until_ms },
            Some(_) => Position::HalfOpen,
        }
    }

    /// Whether the last call failed, or none is let through.
    pub fn is_troubled(&self) -> bool {
        let state = self.lock();
        state.failures > 0 || state.open_until_ms.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is plain numbers, whole after each statement, so a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    pub fn succeeded(mut self) {
        self.told = true;
        *self.breaker.lock() = State::default();
    }

    /// The plugin itself failed; a busy host or a full queue is no failure of the plugin.
    pub fn failed(mut self, now_ms: i64) {
        self.told = true;
        let mut state = self.breaker.lock();
        if state.open_until_ms.is_some() && !self.is_trial {
            // It was under way when others opened it: the same trouble, no further one.
            return;
        }
        state.failures = state.failures.saturating_add(1);
        let failures_max = self.breaker.failures_max;
        if self.is_trial || (failures_max > 0 && state.failures >= failures_max) {
            let pause = PAUSE_MS.saturating_mul(1 << state.openings.min(20)).min(PAUSE_MS_MAX);
            *state = State {
                failures: 0,
                openings: state.openings.saturating_add(1),
                open_until_ms: Some(now_ms + pause),
                trying: false,
            };
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.told && self.is_trial {
            self.breaker.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILURES_MAX: u32 = 10;

    fn fail(breaker: &Breaker, times: u32, now_ms: i64) {
        for _ in 0..times {
            breaker.admit(now_ms).expect("admitted").failed(now_ms);
        }
    }

    /// T50: it opens after failures in a row, tries one call after the pause, closes by a success, waits longer else.
    #[test]
    fn it_opens_tries_closes() {
        let breaker = Breaker::new(FAILURES_MAX);
        fail(&breaker, FAILURES_MAX - 1, 0);
        breaker.admit(0).expect("a success between").succeeded();
        fail(&breaker, FAILURES_MAX, 0);
        assert_eq!(breaker.position(0), Position::Open { until_ms: PAUSE_MS });
        assert!(breaker.admit(PAUSE_MS - 1).is_err());

        let trial = breaker.admit(PAUSE_MS).expect("one may try");
        assert!(breaker.admit(PAUSE_MS).is_err(), "only one");
        trial.failed(PAUSE_MS);
        assert_eq!(breaker.position(PAUSE_MS), Position::Open { until_ms: 3 * PAUSE_MS });

        breaker.admit(3 * PAUSE_MS).expect("the next trial").succeeded();
        assert_eq!(breaker.position(3 * PAUSE_MS), Position::Closed);
    }

    /// T50: calls that were under way when it opened lengthen no pause, nor do they end a trial.
    #[test]
    fn what_was_under_way_opens_it_once() {
        let breaker = Breaker::new(FAILURES_MAX);
        let mut under_way: Vec<_> = (0..5 * FAILURES_MAX).map(|_| breaker.admit(0).expect("admitted")).collect();
        let late = under_way.split_off(4 * FAILURES_MAX as usize);
        under_way.into_iter().for_each(|attempt| attempt.failed(0));
        assert_eq!(breaker.position(0), Position::Open { until_ms: PAUSE_MS });

        let trial = breaker.admit(PAUSE_MS).expect("one may try");
        late.into_iter().for_each(|attempt| attempt.failed(PAUSE_MS));
        assert!(breaker.admit(PAUSE_MS).is_err(), "still only one");
        trial.succeeded();
        assert_eq!(breaker.position(PAUSE_MS), Position::Closed);
    }

    /// P4: a trial whose request went away does not keep the breaker open for ever.
    #[test]
    fn a_dropped_trial_frees_its_place() {
        let breaker = Breaker::new(FAILURES_MAX);
        fail(&breaker, FAILURES_MAX, 0);
        drop(breaker.admit(PAUSE_MS).expect("one may try"));
        breaker.admit(PAUSE_MS).expect("another may").succeeded();
        assert_eq!(breaker.position(PAUSE_MS), Position::Closed);
    }

    #[test]
    fn the_pause_has_an_end() {
        let breaker = Breaker::new(FAILURES_MAX);
        let mut now_ms = 0;
        fail(&breaker, FAILURES_MAX, now_ms);
        for _ in 0..100 {
            let Position::Open { until_ms } = breaker.position(now_ms) else { panic!("it is open") };
            assert!(until_ms - now_ms <= PAUSE_MS_MAX);
            now_ms = until_ms;
            fail(&breaker, 1, now_ms);
        }
    }
}
