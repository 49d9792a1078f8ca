//! The end of a commit: what only the whole of the updates decides.

use std::collections::HashSet;
use std::sync::Arc;

use super::draft::Draft;
use super::properties::PREVIOUS_VERSIONS_MAX;
use super::{Base, Change, Outcome, RefMove};
use crate::catalog::location::Location;
use crate::catalog::metadata::{Entry, MetadataLogEntry, SnapshotLogEntry, State, TableMetadata};
use crate::catalog::requests::TableUpdate;
use crate::error::Error;

/// How far clocks of different machines may disagree.
const SKEW_MS: i64 = 60_000;
const PREVIOUS_VERSIONS_DEFAULT: i32 = 100;

pub(super) fn finish(mut draft: Draft<'_>, base: Base<'_>, updates: &[TableUpdate]) -> Result<Outcome, Error> {
    if !draft.changed {
        return Ok(Outcome::Unchanged);
    }
    complete(&mut draft)?;
    let before = base.metadata.state();
    let log_removed = append_to_log(&mut draft.state, base)?;
    check_times(&draft.state)?;
    let location =
        (before.location != draft.state.location).then(|| Location::parse(&draft.state.location)).transpose()?;
    let refs_moved = draft
        .refs_before
        .iter()
        .map(|(name, from)| {
            let to = draft.state.refs.get(name).map(|entry| entry.header.snapshot_id);
            RefMove { name: name.clone(), from: *from, to }
        })
        .filter(|moved| moved.from != moved.to)
        .collect();
    let properties_changed = properties_changed(before, &draft.state);
    let after = base.metadata.rewritten(draft.state)?;
    Ok(Outcome::Changed(Box::new(Change {
        after,
        log_removed,
        actions: updates.iter().map(TableUpdate::action).collect(),
        refs_moved,
        properties_changed,
        location,
    })))
}

pub(super) fn created(mut draft: Draft<'_>) -> Result<TableMetadata, Error> {
    complete(&mut draft)?;
    check_times(&draft.state)?;
    TableMetadata::new(draft.state)
}

fn complete(draft: &mut Draft<'_>) -> Result<(), Error> {
    draft.settle();
    draft.check_paths()?;
    check_defaults(draft)?;
    draft.state.last_updated_ms = draft.last_updated_ms.unwrap_or(draft.now_ms);
    update_snapshot_log(draft)
}

/// The default spec and order must fit the current schema; looked at only when one of the three is another.
fn check_defaults(draft: &Draft<'_>) -> Result<(), Error> {
    let state = &draft.state;
    let defaults = |state: &State| (state.current_schema_id, state.default_spec_id, state.default_sort_order_id);
    if draft.base.is_some_and(|base| defaults(base) == defaults(state)) {
        return Ok(());
    }
    let Some(spec) = state.spec(state.default_spec_id) else {
        return Err(Error::bad_request("Partition specs cannot be null or empty: set a default spec"));
    };
    let Some(order) = state.sort_order(state.default_sort_order_id) else {
        return Err(Error::bad_request("Sort orders cannot be null or empty: set a default sort order"));
    };
    let schema = state.current_schema()?;
    let index = schema.index()?;
    spec.header.check_compatibility(&index)?;
    order.header.check_compatibility(&index)
}

/// Leaves out snapshots that were current only in between, and everything before one that is gone: the log must never
/// say that a later snapshot was current when a removed one was.
fn update_snapshot_log(draft: &mut Draft<'_>) -> Result<(), Error> {
    let current = draft.state.current_snapshot_id;
    let intermediate: HashSet<i64> = draft
        .main_moves
        .iter()
        .copied()
        .filter(|id| Some(*id) != current && draft.added_snapshots.contains(id))
        .collect();
    if intermediate.is_empty() && !draft.has_removed_snapshots {
        return Ok(());
    }
    let known: HashSet<i64> = draft.state.snapshots.iter().map(|entry| entry.header.snapshot_id).collect();
    let mut log: Vec<Entry<SnapshotLogEntry>> = Vec::with_capacity(draft.state.snapshot_log.len());
    for entry in draft.state.snapshot_log.iter() {
        let id = entry.header.snapshot_id;
        if !known.contains(&id) {
            if draft.has_removed_snapshots {
                log.clear();
            }
        } else if !intermediate.contains(&id) {
            log.push(entry.clone());
        }
    }
    // A log that was empty already belongs to a writer that keeps none.
    if let (Some(current), Some(last)) = (current, log.last())
        && last.header.snapshot_id != current
    {
        return Err(Error::bad_request("Cannot set invalid snapshot log: latest entry is not the current snapshot"));
    }
    draft.state.snapshot_log = Arc::new(log);
    Ok(())
}

/// Appends the file that is being replaced, trims to the length that the properties ask for; gives what fell out.
fn append_to_log(state: &mut State, base: Base<'_>) -> Result<Vec<String>, Error> {
    let length = state
        .properties
        .get(PREVIOUS_VERSIONS_MAX)
        .and_then(|value| value.parse::<i32>().ok())
        .unwrap_or(PREVIOUS_VERSIONS_DEFAULT)
        .max(1);
    let log = Arc::make_mut(&mut state.metadata_log);
    log.push(Entry::written(MetadataLogEntry {
        timestamp_ms: base.metadata.last_updated_ms(),
        metadata_file: base.metadata_location.to_owned(),
    })?);
    let surplus = log.len().saturating_sub(usize::try_from(length).unwrap_or(usize::MAX));
    let removed: Vec<String> = log.drain(..surplus).map(|entry| entry.header.metadata_file).collect();
    let kept: HashSet<&str> = log.iter().map(|entry| entry.header.metadata_file.as_str()).collect();
    Ok(removed.into_iter().filter(|file| !kept.contains(file.as_str())).collect())
}

/// Times may go back by as much as clocks disagree, not more.
fn check_times(state: &State) -> Result<(), Error> {
    let updated = state.last_updated_ms;
    let is_before = |one: i64, other: i64| one.saturating_sub(other) < -SKEW_MS;
    for pair in state.snapshot_log.windows(2) {
        if let [earlier, later] = pair
            && is_before(later.header.timestamp_ms, earlier.header.timestamp_ms)
        {
            return Err(Error::bad_request("[BUG] Expected sorted snapshot log entries."));
        }
    }
    if let Some(last) = state.snapshot_log.last().filter(|last| is_before(updated, last.header.timestamp_ms)) {
        return Err(Error::BadRequest(format!(
            "Invalid update timestamp {updated}: before last snapshot log entry at {}",
            last.header.timestamp_ms
        )));
    }
    if let Some(last) = state.metadata_log.last().filter(|last| is_before(updated, last.header.timestamp_ms)) {
        return Err(Error::BadRequest(format!(
            "Invalid update timestamp {updated}: before the latest metadata log entry timestamp {}",
            last.header.timestamp_ms
        )));
    }
    Ok(())
}

fn properties_changed(before: &State, after: &State) -> Vec<String> {
    if Arc::ptr_eq(&before.properties, &after.properties) {
        return Vec::new();
    }
    let changed = after.properties.iter().filter(|(key, value)| before.properties.get(*key) != Some(value));
    let removed = before.properties.keys().filter(|key| !after.properties.contains_key(*key));
    let mut keys: Vec<String> = changed.map(|(key, _)| key).chain(removed).cloned().collect();
    keys.sort_unstable();
    keys
}
