//! Rows as the embedded ledger showed them, remembered until its next commit.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rows::Tabular;
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::{RoleId, WarehouseId};

/// Of each kind, at about half a kilobyte each.
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
    tabulars: HashMap<(WarehouseId, TableIdent), Tabular>,
    /// By user, as they were asked for last.
    roles: HashMap<String, Held>,
}

/// Whose roles are asked for, by way of which token.
#[derive(Clone, Copy)]
pub(super) struct Bearer<'a> {
    pub(super) user: &'a str,
    /// Who issued the token.
    pub(super) provider: &'a str,
    /// The names that it gives to roles of theirs.
    pub(super) sources: &'a [String],
}

struct Held {
    provider: String,
    sources: Vec<String>,
    roles: Vec<RoleId>,
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
        self.of(state)?.tabulars.get(&(warehouse, ident.clone())).cloned()
    }

    /// Remembers what was read after `state` was asked for, unless something was committed meanwhile.
    pub(super) fn keep(&self, state: State, warehouse: WarehouseId, ident: &TableIdent, row: &Tabular) {
        let Some(mut rows) = self.now_of(state) else { return };
        insert(&mut rows.tabulars, (warehouse, ident.clone()), row.clone());
    }

    pub(super) fn recall_roles(&self, state: State, bearer: Bearer<'_>) -> Option<Vec<RoleId>> {
        let rows = self.of(state)?;
        let held = rows.roles.get(bearer.user)?;
        (held.provider == bearer.provider && held.sources == bearer.sources).then(|| held.roles.clone())
    }

    /// The same for the roles that somebody is in, by way of what their token says, too.
    pub(super) fn keep_roles(&self, state: State, bearer: Bearer<'_>, roles: &[RoleId]) {
        let Some(mut rows) = self.now_of(state) else { return };
        let Bearer { user, provider, sources } = bearer;
        let held = Held { provider: provider.to_owned(), sources: sources.to_vec(), roles: roles.to_vec() };
        insert(&mut rows.roles, user.to_owned(), held);
    }

    fn of(&self, state: State) -> Option<MutexGuard<'_, Rows>> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        (rows.state == state).then_some(rows)
    }

    /// The rows of the state that still is, without those of an earlier one.
    fn now_of(&self, state: State) -> Option<MutexGuard<'_, Rows>> {
        if self.state() != Some(state) {
            return None;
        }
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.state != state {
            *rows = Rows { state, ..Rows::default() };
        }
        Some(rows)
    }
}

fn insert<K: Eq + Hash, V>(rows: &mut HashMap<K, V>, key: K, row: V) {
    if rows.len() >= ROWS_MAX {
        rows.clear();
    }
    rows.insert(key, row);
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

    #[test]
    fn roles_are_those_of_the_same_token_before_the_next_commit() -> Result<(), Box<dyn std::error::Error>> {
        let sightings = Sightings::default();
        let before = sightings.state().ok_or("a state")?;
        let (role, sources) = (RoleId(uuid::Uuid::from_u128(1)), ["analysts".to_owned()]);
        let ann = Bearer { user: "idp~ann", provider: "idp", sources: &sources };
        sightings.keep_roles(before, ann, &[role]);
        assert_eq!(sightings.recall_roles(before, ann), Some(vec![role]));
        assert_eq!(sightings.recall_roles(before, Bearer { sources: &[], ..ann }), None);
        assert_eq!(sightings.recall_roles(before, Bearer { provider: "", ..ann }), None);
        assert_eq!(sightings.recall_roles(before, Bearer { user: "idp~bob", ..ann }), None);

        sightings.commit_begins();
        sightings.commit_ended();

        let after = sightings.state().ok_or("a state")?;
        assert_eq!(sightings.recall_roles(after, ann), None);
        sightings.keep_roles(before, ann, &[role]);
        assert_eq!(sightings.recall_roles(after, ann), None, "read before the commit");
        Ok(())
    }
}
