//! A table's metadata: a JSON document that keeps every part that no rule touches as it was written.

mod check;
mod file_name;
mod read;
mod state;
mod write;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use indexmap::IndexMap;
use uuid::Uuid;

use super::json::{self, Text};
use crate::error::Error;

pub use file_name::Codec;
pub(in crate::catalog) use file_name::next_file_name;
pub use state::{
    Entry, KeyHeader, MAIN, MetadataLogEntry, RefKind, SchemaEntry, SnapshotHeader, SnapshotLogEntry, SnapshotRef,
    StatisticsHeader,
};

pub(in crate::catalog) use state::State;

/// The newest format version that the law knows.
pub const FORMAT_VERSION_MAX: i32 = 3;

/// The metadata of a table. Cheap to clone: texts and lists are shared.
///
/// INVARIANT: `members` is what is written; `state` is what it says.
#[derive(Clone, Debug)]
pub struct TableMetadata {
    members: IndexMap<String, Text>,
    state: State,
    uuid: Uuid,
}

impl TableMetadata {
    /// Reads a metadata file, uncompressed. 400 naming the member that is missing or wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error::BadRequest(format!("the table metadata is not UTF-8: {error}")))?;
        let members = Text::new(text)
            .members()
            .map_err(|error| Error::BadRequest(format!("the table metadata is not a JSON object: {error}")))?;
        let state = read::state(&members)?;
        let uuid = parse_uuid(&state.uuid)?;
        Ok(Self { members, state, uuid })
    }

    /// The metadata of a new table, written as the Java library does.
    pub(in crate::catalog) fn new(state: State) -> Result<Self, Error> {
        let uuid = parse_uuid(&state.uuid)?;
        Ok(Self { members: write::all(&state)?, state, uuid })
    }

    /// The same document with the parts rewritten in which `state` differs.
    pub(in crate::catalog) fn rewritten(&self, state: State) -> Result<Self, Error> {
        let mut members = self.members.clone();
        write::changes(&mut members, &self.state, &state)?;
        let uuid = parse_uuid(&state.uuid)?;
        Ok(Self { members, state, uuid })
    }

    pub(in crate::catalog) const fn state(&self) -> &State {
        &self.state
    }

    /// The document as it is to be stored.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        json::object(&self.members).map(String::into_bytes)
    }

    /// The document with only those snapshots that a branch or tag points at; `None` when that is all of them.
    pub fn refs_only_bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        let kept: HashSet<i64> = self.state.refs.values().map(|entry| entry.header.snapshot_id).collect();
        let is_kept = |entry: &&Entry<SnapshotHeader>| kept.contains(&entry.header.snapshot_id);
        if self.state.snapshots.iter().all(|entry| is_kept(&entry)) {
            return Ok(None);
        }
        let snapshots = json::array(self.state.snapshots.iter().filter(is_kept).map(|entry| &entry.text));
        let mut members = self.members.clone();
        members.insert("snapshots".to_owned(), snapshots);
        json::object(&members).map(|text| Some(text.into_bytes()))
    }

    pub const fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The table's location as it is written in the document.
    pub fn location(&self) -> &str {
        &self.state.location
    }

    pub const fn format_version(&self) -> i32 {
        self.state.format_version
    }

    pub fn properties(&self) -> &IndexMap<String, String> {
        &self.state.properties
    }

    pub fn property(&self, key: &str) -> Option<&str> {
        self.state.properties.get(key).map(String::as_str)
    }

    pub const fn current_schema_id(&self) -> i32 {
        self.state.current_schema_id
    }

    pub const fn current_snapshot_id(&self) -> Option<i64> {
        self.state.current_snapshot_id
    }

    pub const fn last_updated_ms(&self) -> i64 {
        self.state.last_updated_ms
    }

    pub const fn last_sequence_number(&self) -> i64 {
        self.state.last_sequence_number
    }

    pub const fn last_column_id(&self) -> i32 {
        self.state.last_column_id
    }

    /// The texts of all schemas with their ids, in their order.
    pub fn schemas(&self) -> &[SchemaEntry] {
        &self.state.schemas
    }

    pub fn snapshots(&self) -> impl Iterator<Item = &SnapshotHeader> {
        self.state.snapshots.iter().map(|entry| &entry.header)
    }

    pub fn refs(&self) -> impl Iterator<Item = (&str, &SnapshotRef)> {
        self.state.refs.iter().map(|(name, entry)| (name.as_str(), &entry.header))
    }

    /// Earlier metadata files, oldest first.
    pub fn metadata_log(&self) -> impl Iterator<Item = &MetadataLogEntry> {
        self.state.metadata_log.iter().map(|entry| &entry.header)
    }

    /// Any top-level member as it is written.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name).map(Text::as_str)
    }
}

fn parse_uuid(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_| Error::BadRequest(format!("`table-uuid` must be a UUID, found `{text}`")))
}
