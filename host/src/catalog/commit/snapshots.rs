//! Updates of snapshots: sequence numbers, row lineage, removal with all that hangs on a snapshot.

use std::collections::HashSet;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::{Entry, SnapshotHeader};
use crate::catalog::requests::Manifests;
use crate::error::Error;

/// How far a writer's clock may be ahead.
const AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;

impl Draft<'_> {
    pub fn add_snapshot(&mut self, header: &SnapshotHeader, manifests: &Manifests, text: &Text) -> Result<(), Error> {
        self.check_snapshot(header)?;
        self.introduced.extend(manifests.each.iter().map(|uri| ("manifests".to_owned(), uri.clone())));
        match &manifests.list {
            Some(uri) => self.introduced.push(("manifest-list".to_owned(), uri.clone())),
            None if self.state.format_version == 1 => {}
            None => return Err(Error::bad_request("Cannot parse snapshot: missing field `manifest-list`")),
        }
        if self.state.format_version >= 3 {
            self.state.next_row_id = next_row_id(header, self.state.next_row_id)?;
        }
        // A snapshot without a parent may carry an older number; the table's own never goes back.
        self.state.last_sequence_number = self.state.last_sequence_number.max(header.sequence_number);
        self.last_updated_ms = Some(header.timestamp_ms);
        self.push_snapshot(Entry { header: *header, text: text.clone() });
        self.added_snapshots.insert(header.snapshot_id);
        self.changed = true;
        Ok(())
    }

    pub fn remove_snapshots(&mut self, snapshot_ids: &[i64]) -> Result<(), Error> {
        let mut gone = snapshot_ids.to_vec();
        gone.retain(|id| self.take_snapshot(*id));
        if gone.is_empty() {
            return Ok(());
        }
        let gone: HashSet<i64> = gone.into_iter().collect();
        self.has_removed_snapshots = true;
        self.changed = true;
        self.retain_statistics(&gone);
        let dangling = self.state.refs.iter().filter(|(_, entry)| gone.contains(&entry.header.snapshot_id));
        let dangling: Vec<String> = dangling.map(|(name, _)| name.clone()).collect();
        dangling.iter().try_for_each(|name| self.remove_ref(name))
    }

    fn check_snapshot(&mut self, header: &SnapshotHeader) -> Result<(), Error> {
        let before =
            |what: &str| Err(Error::BadRequest(format!("Attempting to add a snapshot before {what} is added")));
        if self.state.schemas.is_empty() {
            return before("a schema");
        }
        if self.state.specs.is_empty() {
            return before("a partition spec");
        }
        if self.state.sort_orders.is_empty() {
            return before("a sort order");
        }
        if self.snapshot_at(header.snapshot_id).is_some() {
            return Err(Error::BadRequest(format!("Snapshot already exists for id: {}", header.snapshot_id)));
        }
        check_timestamp(header.timestamp_ms, self.now_ms)?;
        let (found, last) = (header.sequence_number, self.state.last_sequence_number);
        if self.state.format_version == 1 && found != 0 {
            return Err(Error::BadRequest(format!("Sequence number must be 0 in v1: {found}")));
        }
        if found < 0 {
            return Err(Error::BadRequest(format!("Cannot add snapshot with negative sequence number: {found}")));
        }
        if self.state.format_version > 1 && found <= last && header.parent_snapshot_id.is_some() {
            return Err(Error::CommitFailed(format!(
                "Cannot add snapshot with sequence number {found} older than last sequence number {last}"
            )));
        }
        Ok(())
    }
}

/// A snapshot of the far future would make every later commit one that goes back in time.
fn check_timestamp(timestamp_ms: i64, now_ms: i64) -> Result<(), Error> {
    if (0..=now_ms.saturating_add(AHEAD_MS_MAX)).contains(&timestamp_ms) {
        return Ok(());
    }
    Err(Error::BadRequest(format!(
        "Invalid snapshot timestamp-ms {timestamp_ms}: it is negative or more than a day ahead of this server's clock {now_ms}"
    )))
}

/// The first row id that is free after the snapshot.
fn next_row_id(header: &SnapshotHeader, next: i64) -> Result<i64, Error> {
    let Some(first) = header.first_row_id else {
        return Err(Error::bad_request("Cannot add a snapshot: first-row-id is null"));
    };
    if first < next {
        return Err(Error::CommitFailed(format!(
            "Cannot add a snapshot, first-row-id is behind table next-row-id: {first} < {next}"
        )));
    }
    let Some(added) = header.added_rows else {
        return Err(Error::bad_request("Invalid added-rows (required when first-row-id is set): null"));
    };
    if added < 0 {
        return Err(Error::BadRequest(format!("Cannot add a snapshot: added-rows is negative: {added}")));
    }
    next.checked_add(added)
        .ok_or_else(|| Error::BadRequest(format!("Cannot add a snapshot: row ids are used up: {next} + {added}")))
}
