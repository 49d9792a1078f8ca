//! Updates of branches, of tags, of main above all.

use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::metadata::{Entry, MAIN, RefKind, SnapshotLogEntry, SnapshotRef};
use crate::error::Error;

impl Draft<'_> {
    pub fn set_ref(&mut self, name: &str, reference: SnapshotRef) -> Result<(), Error> {
        check(name, &reference)?;
        let existing = self.reference(name);
        if existing == Some(reference) {
            return Ok(());
        }
        let snapshot_id = reference.snapshot_id;
        let snapshot = self.snapshot_at(snapshot_id).and_then(|at| self.state.snapshots.get(at));
        let Some(timestamp_ms) = snapshot.map(|entry| entry.header.timestamp_ms) else {
            return Err(Error::BadRequest(format!("Cannot set {name} to unknown snapshot: {snapshot_id}")));
        };
        if self.added_snapshots.contains(&snapshot_id) {
            self.last_updated_ms = Some(timestamp_ms);
        }
        if name == MAIN {
            self.state.current_snapshot_id = Some(snapshot_id);
            let timestamp_ms = *self.last_updated_ms.get_or_insert(self.now_ms);
            let entry = Entry::written(SnapshotLogEntry { timestamp_ms, snapshot_id })?;
            Arc::make_mut(&mut self.state.snapshot_log).push(entry);
            self.main_moves.push(snapshot_id);
        }
        self.refs_before.entry(name.to_owned()).or_insert(existing.map(|existing| existing.snapshot_id));
        self.removed_refs.remove(name);
        Arc::make_mut(&mut self.state.refs).insert(name.to_owned(), Entry::written(reference)?);
        self.changed = true;
        Ok(())
    }

    pub fn remove_ref(&mut self, name: &str) -> Result<(), Error> {
        if name == MAIN {
            self.state.current_snapshot_id = None;
        }
        let Some(removed) = self.reference(name) else {
            return Ok(());
        };
        self.refs_before.entry(name.to_owned()).or_insert(Some(removed.snapshot_id));
        self.removed_refs.insert(name.to_owned());
        self.changed = true;
        Ok(())
    }

    fn reference(&self, name: &str) -> Option<SnapshotRef> {
        self.state.refs.get(name).filter(|_| !self.removed_refs.contains(name)).map(|entry| entry.header)
    }
}

fn check(name: &str, reference: &SnapshotRef) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::bad_request("Cannot set a branch or tag with an empty name"));
    }
    if reference.kind == RefKind::Tag {
        if name == MAIN {
            return Err(Error::bad_request("Cannot set main to a tag: main is always a branch"));
        }
        if reference.min_snapshots_to_keep.is_some() {
            return Err(Error::bad_request("Tags do not support setting minSnapshotsToKeep"));
        }
        if reference.max_snapshot_age_ms.is_some() {
            return Err(Error::bad_request("Tags do not support setting maxSnapshotAgeMs"));
        }
    }
    if reference.min_snapshots_to_keep.is_some_and(|count| count <= 0) {
        return Err(Error::bad_request("Min snapshots to keep must be greater than 0"));
    }
    if reference.max_snapshot_age_ms.is_some_and(|age| age <= 0) {
        return Err(Error::bad_request("Max snapshot age must be greater than 0 ms"));
    }
    if reference.max_ref_age_ms.is_some_and(|age| age <= 0) {
        return Err(Error::bad_request("Max reference age must be greater than 0"));
    }
    Ok(())
}
