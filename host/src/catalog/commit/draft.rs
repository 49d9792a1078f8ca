//! The metadata in the making: the state so far with what the updates did to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indexmap::IndexMap;
use uuid::Uuid;

use crate::catalog::location::Location;
use crate::catalog::metadata::{Entry, FORMAT_VERSION_MAX, MAIN, SnapshotHeader, State, TableMetadata};
use crate::catalog::partition::FIRST_FIELD_ID;
use crate::catalog::requests::TableUpdate;
use crate::error::Error;

/// A new table without an `upgrade-format-version` among its updates.
const FORMAT_VERSION_DEFAULT: i32 = 2;

pub(super) struct Draft<'a> {
    /// `None` for a table that is being created.
    pub base: Option<&'a State>,
    pub state: State,
    pub now_ms: i64,
    /// Whether any update had an effect.
    pub changed: bool,
    /// The time of the newest snapshot that was added, or now when main moved first.
    pub last_updated_ms: Option<i64>,
    /// What -1 stands for.
    pub last_added_schema: Option<i32>,
    pub last_added_spec: Option<i32>,
    pub last_added_order: Option<i32>,
    pub added_snapshots: HashSet<i64>,
    /// Snapshots that main was moved to, in order.
    pub main_moves: Vec<i64>,
    pub has_removed_snapshots: bool,
    /// Keys and names to be left out in the end; one pass over all, however many updates remove some.
    pub removed_properties: HashSet<String>,
    pub removed_refs: HashSet<String>,
    /// Where each ref that was touched pointed at first.
    pub refs_before: IndexMap<String, Option<i64>>,
    /// URIs that the request brings in, each with the field it came in.
    pub introduced: Vec<(String, String)>,
    /// The updates are those of a replace transaction, which starts main anew.
    pub is_replace: bool,
    /// Positions by id of the snapshots that are there; built when the first rule asks.
    positions: Option<HashMap<i64, usize>>,
    /// Positions of removed snapshots, taken out in the end.
    removed_positions: HashSet<usize>,
}

impl<'a> Draft<'a> {
    /// The server's own time never goes back behind the base, so that a clock set back does not close a table.
    pub fn of(base: &'a TableMetadata, updates: &[TableUpdate], now_ms: i64) -> Self {
        let now_ms = now_ms.max(base.last_updated_ms());
        Self::new(Some(base.state()), base.state().clone(), updates, now_ms)
    }

    pub fn empty(updates: &[TableUpdate], uuid: Uuid, location: &Location, now_ms: i64) -> Self {
        let format_version = updates.iter().find_map(|update| match update {
            TableUpdate::UpgradeFormatVersion { format_version } => Some(*format_version),
            _ => None,
        });
        let format_version = format_version.unwrap_or(FORMAT_VERSION_DEFAULT).clamp(1, FORMAT_VERSION_MAX);
        Self::new(None, empty_state(format_version, uuid, location), updates, now_ms)
    }

    fn new(base: Option<&'a State>, state: State, updates: &[TableUpdate], now_ms: i64) -> Self {
        let starts_main_anew =
            |update: &TableUpdate| matches!(update, TableUpdate::RemoveSnapshotRef { name } if name == MAIN);
        Self {
            base,
            state,
            now_ms,
            changed: false,
            last_updated_ms: None,
            last_added_schema: None,
            last_added_spec: None,
            last_added_order: None,
            added_snapshots: HashSet::new(),
            main_moves: Vec::new(),
            has_removed_snapshots: false,
            removed_properties: HashSet::new(),
            removed_refs: HashSet::new(),
            refs_before: IndexMap::new(),
            introduced: Vec::new(),
            is_replace: updates.iter().any(starts_main_anew),
            positions: None,
            removed_positions: HashSet::new(),
        }
    }

    /// The position of a snapshot in the list, where it stays until the end.
    pub fn snapshot_at(&mut self, snapshot_id: i64) -> Option<usize> {
        self.positions().get(&snapshot_id).copied()
    }

    pub fn push_snapshot(&mut self, entry: Entry<SnapshotHeader>) {
        let (id, at) = (entry.header.snapshot_id, self.state.snapshots.len());
        self.positions().insert(id, at);
        Arc::make_mut(&mut self.state.snapshots).push(entry);
    }

    /// Whether the snapshot was there.
    pub fn take_snapshot(&mut self, snapshot_id: i64) -> bool {
        let at = self.positions().remove(&snapshot_id);
        self.removed_positions.extend(at);
        at.is_some()
    }

    /// Takes out what was removed on the way.
    pub fn settle(&mut self) {
        if !self.removed_positions.is_empty() {
            let mut at = 0..;
            let removed = &self.removed_positions;
            Arc::make_mut(&mut self.state.snapshots).retain(|_| at.next().is_some_and(|at| !removed.contains(&at)));
            self.removed_positions.clear();
            self.positions = None;
        }
        if !self.removed_properties.is_empty() {
            let removed = &self.removed_properties;
            Arc::make_mut(&mut self.state.properties).retain(|key, _| !removed.contains(key));
            self.removed_properties.clear();
        }
        if !self.removed_refs.is_empty() {
            let removed = &self.removed_refs;
            Arc::make_mut(&mut self.state.refs).retain(|name, _| !removed.contains(name));
            self.removed_refs.clear();
        }
    }

    fn positions(&mut self) -> &mut HashMap<i64, usize> {
        let snapshots = &self.state.snapshots;
        self.positions.get_or_insert_with(|| {
            snapshots.iter().enumerate().map(|(at, entry)| (entry.header.snapshot_id, at)).collect()
        })
    }

    pub fn assign_uuid(&mut self, uuid: &str) -> Result<(), Error> {
        let parsed = Uuid::try_parse(uuid)
            .map_err(|_| Error::BadRequest(format!("Cannot assign uuid `{uuid}`: it is not a UUID")))?;
        if Uuid::try_parse(&self.state.uuid).is_ok_and(|current| current == parsed) {
            return Ok(());
        }
        if self.base.is_some() {
            return Err(Error::BadRequest(format!(
                "Cannot assign uuid {uuid}: the table has the uuid {}, which never changes",
                self.state.uuid
            )));
        }
        self.state.uuid = parsed.to_string();
        self.changed = true;
        Ok(())
    }

    pub fn upgrade_format_version(&mut self, to: i32) -> Result<(), Error> {
        let from = self.state.format_version;
        if to > FORMAT_VERSION_MAX {
            return Err(Error::BadRequest(format!(
                "Cannot upgrade table to unsupported format version: v{to} (supported: v{FORMAT_VERSION_MAX})"
            )));
        }
        if to < from {
            return Err(Error::BadRequest(format!("Cannot downgrade v{from} table to v{to}")));
        }
        if to > from {
            self.state.format_version = to;
            self.changed = true;
        }
        Ok(())
    }
}

fn empty_state(format_version: i32, uuid: Uuid, location: &Location) -> State {
    State {
        format_version,
        uuid: uuid.to_string(),
        location: location.as_str().to_owned(),
        last_sequence_number: 0,
        last_updated_ms: 0,
        last_column_id: 0,
        current_schema_id: -1,
        schemas: Arc::default(),
        default_spec_id: -1,
        specs: Arc::default(),
        last_partition_id: FIRST_FIELD_ID - 1,
        default_sort_order_id: -1,
        sort_orders: Arc::default(),
        properties: Arc::default(),
        current_snapshot_id: None,
        next_row_id: 0,
        encryption_keys: Arc::default(),
        refs: Arc::default(),
        snapshots: Arc::default(),
        statistics: Arc::default(),
        partition_statistics: Arc::default(),
        snapshot_log: Arc::default(),
        metadata_log: Arc::default(),
    }
}
