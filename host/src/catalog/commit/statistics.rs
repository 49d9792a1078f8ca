//! Updates of statistics files: one a snapshot.

use std::collections::HashSet;
use std::sync::Arc;

use super::draft::Draft;
use crate::catalog::json::Text;
use crate::catalog::metadata::{Entry, StatisticsHeader};
use crate::error::Error;

type Files = Arc<Vec<Entry<StatisticsHeader>>>;

impl Draft<'_> {
    pub fn set_statistics(&mut self, snapshot_id: i64, path: &str, text: &Text) -> Result<(), Error> {
        self.introduced.push(("statistics-path".to_owned(), path.to_owned()));
        put(&mut self.state.statistics, snapshot_id, text);
        self.changed = true;
        Ok(())
    }

    pub fn remove_statistics(&mut self, snapshot_id: i64) -> Result<(), Error> {
        self.changed |= take(&mut self.state.statistics, snapshot_id);
        Ok(())
    }

    pub fn set_partition_statistics(&mut self, snapshot_id: i64, path: &str, text: &Text) -> Result<(), Error> {
        self.introduced.push(("statistics-path".to_owned(), path.to_owned()));
        put(&mut self.state.partition_statistics, snapshot_id, text);
        self.changed = true;
        Ok(())
    }

    pub fn remove_partition_statistics(&mut self, snapshot_id: i64) -> Result<(), Error> {
        self.changed |= take(&mut self.state.partition_statistics, snapshot_id);
        Ok(())
    }

    /// Drops the files of snapshots that are gone.
    pub fn retain_statistics(&mut self, gone: &HashSet<i64>) {
        for files in [&mut self.state.statistics, &mut self.state.partition_statistics] {
            if files.iter().any(|entry| gone.contains(&entry.header.snapshot_id)) {
                Arc::make_mut(files).retain(|entry| !gone.contains(&entry.header.snapshot_id));
            }
        }
    }
}

/// The new file in the place of the snapshot's old one, or at the end.
fn put(files: &mut Files, snapshot_id: i64, text: &Text) {
    let files = Arc::make_mut(files);
    let entry = Entry { header: StatisticsHeader { snapshot_id }, text: text.clone() };
    match files.iter_mut().find(|entry| entry.header.snapshot_id == snapshot_id) {
        Some(old) => *old = entry,
        None => files.push(entry),
    }
}

fn take(files: &mut Files, snapshot_id: i64) -> bool {
    let has_one = files.iter().any(|entry| entry.header.snapshot_id == snapshot_id);
    if has_one {
        Arc::make_mut(files).retain(|entry| entry.header.snapshot_id != snapshot_id);
    }
    has_one
}
