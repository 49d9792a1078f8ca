//! Tables and views as the embedded ledger showed them, remembered until its next commit.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::rows::Tabular;
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::WarehouseId;

/// At about half a kilobyte each.
const ROWS_MAX: usize = 4_096;

/// The embedded ledger has one writer, in this process, so between two of its commits every read of a row gives the same:
/// the first one asks the ledger, the others do not.
///
/// INVARIANT: an answer is never older than the last acknowledged commit. The writer makes the number odd before a commit
/// and even again after it; a row is remembered under an even number that was there before and after its read.
#[derive(Default)]
pub(super) struct Sightings {
    number: AtomicU64,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    state: State,
    found: HashMap<(WarehouseId, TableIdent), Tabular>,
}

/// What the ledger holds between two commits, by the even number of it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct State(u64);

impl Sightings {
    /// What readers see now; `None` while that is about to change.
    pub(super) fn state(&self) -> Option<State> {
        let number = self.number.load(Ordering::SeqCst);
        number.is_multiple_of(2).then_some(State(number))
    }

    /// Before the writer commits.
    pub(super) fn commit_begins(&self) {
        self.number.fetch_or(1, Ordering::SeqCst);
    }

    /// After it, however it ended. A commit whose end nobody saw leaves the number odd, so that nothing is remembered
    /// until the next one has ended.
    pub(super) fn commit_ended(&self) {
        self.number.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn recall(&self, state: State, warehouse: WarehouseId, ident: &TableIdent) -> Option<Tabular> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.state != state {
            return None;
        }
        rows.found.get(&(warehouse, ident.clone())).cloned()
    }

    /// Remembers what was read after `state` was asked for, unless something was committed meanwhile.
    pub(super) fn keep(&self, state: State, warehouse: WarehouseId, ident: &TableIdent, row: &Tabular) {
        if self.state() != Some(state) {
            return;
        }
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.state != state || rows.found.len() >= ROWS_MAX {
            rows.found.clear();
            rows.state = state;
        }
        rows.found.insert((warehouse, ident.clone()), row.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_is_known_while_a_commit_is_under_way() {
        let sightings = Sightings::default();
        let before = sightings.state();
        assert!(before.is_some());

        sightings.commit_begins();
        assert!(sightings.state().is_none());
        sightings.commit_ended();

        let after = sightings.state();
        assert!(after.is_some() && after != before);
    }

    #[test]
    fn a_commit_whose_end_nobody_saw_is_over_with_the_next_one() {
        let sightings = Sightings::default();
        let before = sightings.state();
        sightings.commit_begins();

        sightings.commit_begins();
        assert!(sightings.state().is_none());
        sightings.commit_ended();

        assert!(sightings.state().is_some() && sightings.state() != before);
    }
}
