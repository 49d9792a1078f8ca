//! The members of a metadata document for what the rules decided.

use std::sync::Arc;

use indexmap::IndexMap;

use super::state::{Entry, State};
use crate::catalog::json::{self, Text};
use crate::error::Error;

/// The members that the law knows, in the order in which the Java library writes them.
const NAMES: [&str; 25] = [
    "format-version",
    "table-uuid",
    "location",
    "last-sequence-number",
    "last-updated-ms",
    "last-column-id",
    "schema",
    "current-schema-id",
    "schemas",
    "partition-spec",
    "default-spec-id",
    "partition-specs",
    "last-partition-id",
    "default-sort-order-id",
    "sort-orders",
    "properties",
    "current-snapshot-id",
    "next-row-id",
    "encryption-keys",
    "refs",
    "snapshots",
    "statistics",
    "partition-statistics",
    "snapshot-log",
    "metadata-log",
];

/// All members of a new document.
pub(super) fn all(state: &State) -> Result<IndexMap<String, Text>, Error> {
    let mut members = IndexMap::with_capacity(NAMES.len());
    for name in NAMES {
        if let Some(text) = member(name, state)? {
            members.insert(name.to_owned(), text);
        }
    }
    Ok(members)
}

/// Rewrites the members in which `after` differs from `before`; all others keep their text and their place.
pub(super) fn changes(members: &mut IndexMap<String, Text>, before: &State, after: &State) -> Result<(), Error> {
    for name in NAMES.into_iter().filter(|name| differs(name, before, after)) {
        match member(name, after)? {
            Some(text) => {
                members.insert(name.to_owned(), text);
            }
            None => {
                members.shift_remove(name);
            }
        }
    }
    Ok(())
}

/// The text of a member; `None` where the format version does not have it.
fn member(name: &str, state: &State) -> Result<Option<Text>, Error> {
    let version = state.format_version;
    let text = match name {
        "format-version" => Text::of(&version)?,
        "table-uuid" => Text::of(&state.uuid)?,
        "location" => Text::of(&state.location)?,
        "last-sequence-number" if version > 1 => Text::of(&state.last_sequence_number)?,
        "last-updated-ms" => Text::of(&state.last_updated_ms)?,
        "last-column-id" => Text::of(&state.last_column_id)?,
        "schema" if version == 1 => {
            return Ok(state.schema_entry(state.current_schema_id).map(|entry| entry.text.clone()));
        }
        "current-schema-id" => Text::of(&state.current_schema_id)?,
        "schemas" => json::array(state.schemas.iter().map(|entry| &entry.text)),
        "partition-spec" if version == 1 => {
            let spec = state.spec(state.default_spec_id);
            return spec.map(|entry| Text::of(&entry.header.fields)).transpose();
        }
        "default-spec-id" => Text::of(&state.default_spec_id)?,
        "partition-specs" => array(&state.specs),
        "last-partition-id" => Text::of(&state.last_partition_id)?,
        "default-sort-order-id" => Text::of(&state.default_sort_order_id)?,
        "sort-orders" => array(&state.sort_orders),
        "properties" => Text::of(&*state.properties)?,
        // Java writes -1 for none before v3, where null became legal.
        "current-snapshot-id" if version < 3 => Text::of(&state.current_snapshot_id.unwrap_or(-1))?,
        "current-snapshot-id" => Text::of(&state.current_snapshot_id)?,
        "next-row-id" if version >= 3 => Text::of(&state.next_row_id)?,
        "encryption-keys" if version >= 3 && !state.encryption_keys.is_empty() => array(&state.encryption_keys),
        "refs" => Text::new(json::object(state.refs.iter().map(|(name, entry)| (name, &entry.text)))?),
        "snapshots" => array(&state.snapshots),
        "statistics" => array(&state.statistics),
        "partition-statistics" => array(&state.partition_statistics),
        "snapshot-log" => array(&state.snapshot_log),
        "metadata-log" => array(&state.metadata_log),
        _ => return Ok(None),
    };
    Ok(Some(text))
}

fn array<H>(entries: &[Entry<H>]) -> Text {
    json::array(entries.iter().map(|entry| &entry.text))
}

/// Whether the member has to be rewritten. Lists are shared until they are changed, so identity is equality enough.
fn differs(name: &str, before: &State, after: &State) -> bool {
    let upgraded = before.format_version != after.format_version;
    match name {
        "format-version" => upgraded,
        "table-uuid" => before.uuid != after.uuid,
        "location" => before.location != after.location,
        "last-sequence-number" => upgraded || before.last_sequence_number != after.last_sequence_number,
        "last-updated-ms" => before.last_updated_ms != after.last_updated_ms,
        "last-column-id" => before.last_column_id != after.last_column_id,
        // A v1 document without lists need not say which one is current; with them it must, or a reader guesses.
        "current-schema-id" => differs("schema", before, after) || differs("schemas", before, after),
        "schema" => upgraded || before.current_schema_id != after.current_schema_id,
        "schemas" => upgraded || !Arc::ptr_eq(&before.schemas, &after.schemas),
        "default-spec-id" => differs("partition-spec", before, after) || differs("partition-specs", before, after),
        "partition-spec" => upgraded || before.default_spec_id != after.default_spec_id,
        "partition-specs" => upgraded || !Arc::ptr_eq(&before.specs, &after.specs),
        "last-partition-id" => upgraded || before.last_partition_id != after.last_partition_id,
        "default-sort-order-id" => {
            before.default_sort_order_id != after.default_sort_order_id || differs("sort-orders", before, after)
        }
        "sort-orders" => upgraded || !Arc::ptr_eq(&before.sort_orders, &after.sort_orders),
        "properties" => !Arc::ptr_eq(&before.properties, &after.properties),
        "current-snapshot-id" => upgraded || before.current_snapshot_id != after.current_snapshot_id,
        "next-row-id" => upgraded || before.next_row_id != after.next_row_id,
        "encryption-keys" => !Arc::ptr_eq(&before.encryption_keys, &after.encryption_keys),
        "refs" => !Arc::ptr_eq(&before.refs, &after.refs),
        "snapshots" => !Arc::ptr_eq(&before.snapshots, &after.snapshots),
        "statistics" => !Arc::ptr_eq(&before.statistics, &after.statistics),
        "partition-statistics" => !Arc::ptr_eq(&before.partition_statistics, &after.partition_statistics),
        "snapshot-log" => !Arc::ptr_eq(&before.snapshot_log, &after.snapshot_log),
        "metadata-log" => !Arc::ptr_eq(&before.metadata_log, &after.metadata_log),
        _ => false,
    }
}
