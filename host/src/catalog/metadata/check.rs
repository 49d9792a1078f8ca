//! Whether a whole document agrees with itself, for files that come from elsewhere.

use std::collections::HashSet;

use super::{MAIN, State, TableMetadata};
use crate::error::Error;

impl TableMetadata {
    /// 400 for the first contradiction: ids used twice, refs to nowhere, a current schema that cannot be read.
    pub fn check_consistency(&self) -> Result<(), Error> {
        let state = self.state();
        unique("snapshot", state.snapshots.iter().map(|entry| entry.header.snapshot_id))?;
        unique("schema", state.schemas.iter().map(|entry| i64::from(entry.id)))?;
        unique("partition spec", state.specs.iter().map(|entry| i64::from(entry.header.spec_id)))?;
        unique("sort order", state.sort_orders.iter().map(|entry| i64::from(entry.header.order_id)))?;
        check_refs(state)?;
        check_sequence_numbers(state)?;
        let schema = state.current_schema()?;
        if schema.highest_field_id()? > state.last_column_id {
            return Err(Error::BadRequest(format!(
                "`last-column-id` {} is lower than a field id of the current schema",
                state.last_column_id
            )));
        }
        if state.sort_order(state.default_sort_order_id).is_none() {
            return Err(Error::BadRequest(format!(
                "Cannot find sort order with default-sort-order-id={}",
                state.default_sort_order_id
            )));
        }
        Ok(())
    }
}

fn unique(what: &str, ids: impl Iterator<Item = i64>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::BadRequest(format!("the table metadata has more than one {what} with id {id}")));
        }
    }
    Ok(())
}

fn check_refs(state: &State) -> Result<(), Error> {
    let known: HashSet<i64> = state.snapshots.iter().map(|entry| entry.header.snapshot_id).collect();
    for (name, entry) in state.refs.iter() {
        if !known.contains(&entry.header.snapshot_id) {
            return Err(Error::BadRequest(format!(
                "Snapshot for reference {name} does not exist in the existing snapshots list: {}",
                entry.header.snapshot_id
            )));
        }
    }
    match (state.current_snapshot_id, state.refs.get(MAIN).map(|entry| entry.header.snapshot_id)) {
        (Some(current), Some(main)) if current != main => {
            Err(Error::BadRequest(format!("Current snapshot ID does not match main branch ({current} != {main})")))
        }
        (None, Some(main)) => {
            Err(Error::BadRequest(format!("Current snapshot is not set, but main branch exists: {main}")))
        }
        _ => Ok(()),
    }
}

fn check_sequence_numbers(state: &State) -> Result<(), Error> {
    let last = state.last_sequence_number;
    match state.snapshots.iter().find(|entry| entry.header.sequence_number > last) {
        Some(entry) => Err(Error::BadRequest(format!(
            "Invalid snapshot with sequence number {} greater than last sequence number {last}",
            entry.header.sequence_number
        ))),
        None => Ok(()),
    }
}
