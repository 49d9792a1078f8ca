//! What a change does to a table, a view or a namespace: found out once, for whoever judges it.
//!
//! Everything is computed when it is asked for first: most judges look at little of it.

mod columns;
mod operation;
mod side;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

pub use columns::{Column, ColumnChanges, Retyped};
pub use operation::Operation;
pub use side::Side;

/// A state before with a state after. Where one is missing, the object comes or goes: then everything that it has is
/// added, or dropped.
#[derive(Debug, Default)]
pub struct Difference {
    pub before: Option<Arc<Side>>,
    pub after: Option<Arc<Side>>,
    columns: OnceLock<ColumnChanges>,
}

/// A property with another value; `None` is one that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyChange {
    pub key: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    pub fn new(before: Option<Side>, after: Option<Side>) -> Self {
        Self { before: before.map(Arc::new), after: after.map(Arc::new), columns: OnceLock::new() }
    }

    /// Both sides are this one: a rename changes no content.
    pub fn none(side: Side) -> Self {
        let side = Arc::new(side);
        Self { before: Some(Arc::clone(&side)), after: Some(side), columns: OnceLock::new() }
    }

    /// Columns of all depths.
    pub fn columns(&self) -> &ColumnChanges {
        self.columns.get_or_init(|| match (&self.before, &self.after) {
            (Some(before), Some(after)) if before.has_schema_of(after) => ColumnChanges::default(),
            (before, after) => ColumnChanges::between(
                before.as_ref().map_or(&[], |side| side.columns()),
                after.as_ref().map_or(&[], |side| side.columns()),
            ),
        })
    }

    /// By key.
    pub fn properties(&self) -> Vec<PropertyChange> {
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let sides = self.before.iter().chain(&self.after);
        let keys: BTreeSet<&str> = sides.flat_map(|side| side.property_keys()).collect();
        let changed = keys.into_iter().map(|key| {
            let (before, after) =
                (before.and_then(|side| side.property(key)), after.and_then(|side| side.property(key)));
            (before != after).then(|| PropertyChange {
                key: key.to_owned(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
            })
        });
        changed.flatten().collect()
    }

    /// The branches or tags that point elsewhere, by name.
    pub fn refs(&self) -> Vec<&str> {
        let target = |side: Option<&Side>, name: &str| side.and_then(|side| side.snapshot_of(name));
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let sides = self.before.iter().chain(&self.after);
        let names: BTreeSet<&str> = sides.flat_map(|side| side.ref_names()).collect();
        names.into_iter().filter(|name| target(before, name) != target(after, name)).collect()
    }

    /// A value of the summary of the newest snapshot that the change adds.
    pub fn snapshot_summary(&self, key: &str) -> Option<String> {
        let after = self.after.as_ref()?;
        let newest = after.newest_snapshot()?;
        let is_known = self.before.as_ref().is_some_and(|before| before.has_snapshot(newest.header.snapshot_id));
        (!is_known).then(|| side::summary(newest, key)).flatten()
    }
}
