//! Commits to tables: requirements checked, updates applied in order, a new document or none.
//!
//! The rules are those of the Java library's `TableMetadata.Builder` together with the answers of the REST reference.

mod draft;
mod encryption;
mod finish;
mod partitions;
mod paths;
mod properties;
mod refs;
mod requirements;
mod schemas;
mod snapshots;
mod sort_orders;
mod statistics;

#[cfg(test)]
mod tests;

use uuid::Uuid;

use super::location::Location;
use super::metadata::TableMetadata;
use super::requests::{TableRequirement, TableUpdate};
use crate::error::Error;

use draft::Draft;

pub(in crate::catalog) use paths::{PROPERTIES as PATH_PROPERTIES, check_inside};
pub(in crate::catalog) use properties::{check_new_properties, persisted};

/// The table as it is when the commit arrives.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    pub metadata: &'a TableMetadata,
    pub metadata_location: &'a str,
}

/// What a commit comes to.
#[derive(Debug)]
pub enum Outcome {
    /// The updates say what is so already: no new file, the current metadata is the answer.
    Unchanged,
    Changed(Box<Change>),
}

/// A commit that passed: the new metadata with what contract rules and clean-up need to know about it.
#[derive(Debug)]
pub struct Change {
    pub after: TableMetadata,
    /// Metadata files of the base's log that are no longer in the new one, oldest first.
    pub log_removed: Vec<String>,
    /// The `action` of each update, in the order in which they were sent.
    pub actions: Vec<&'static str>,
    /// Every branch or tag that points elsewhere than before, in the order in which they were first moved.
    pub refs_moved: Vec<RefMove>,
    /// Keys of properties that were added, removed or have another value, sorted.
    pub properties_changed: Vec<String>,
    /// The table's new location, where it has another one. Whether the warehouse allows it is the caller's to check.
    pub location: Option<Location>,
}

/// Where a branch or tag pointed before, where it points now; `None` is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefMove {
    pub name: String,
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Checks all requirements against the base, then applies all updates in order.
///
/// 409 with Java's wording when a requirement fails or the base moved under an append, 400 for updates that are not
/// allowed. Nothing is applied by halves.
pub fn commit(
    base: Base<'_>,
    requirements: &[TableRequirement],
    updates: &[TableUpdate],
    now_ms: i64,
) -> Result<Outcome, Error> {
    requirements::check(Some(base.metadata), requirements)?;
    let mut draft = Draft::of(base.metadata, updates, now_ms);
    apply_all(&mut draft, updates)?;
    finish::finish(draft, base, updates)
}

/// Whether the requirements are those of a create transaction; 400 when `assert-create` is not alone.
pub fn is_create(requirements: &[TableRequirement]) -> Result<bool, Error> {
    requirements::is_create(requirements)
}

/// The 409 of `assert-create` where there is a table.
pub fn table_exists() -> Error {
    requirements::table_exists()
}

/// The first metadata of a table from the updates of a create transaction: ids, uuid and location are honoured as sent;
/// `uuid` and `location` are for what was not sent.
pub fn create_from_updates(
    updates: &[TableUpdate],
    uuid: Uuid,
    location: &Location,
    now_ms: i64,
) -> Result<TableMetadata, Error> {
    let mut draft = Draft::empty(updates, uuid, location, now_ms);
    apply_all(&mut draft, updates)?;
    finish::created(draft)
}

fn apply_all(draft: &mut Draft<'_>, updates: &[TableUpdate]) -> Result<(), Error> {
    for (at, update) in updates.iter().enumerate() {
        apply(draft, update).map_err(|error| named(error, at, update.action()))?;
    }
    Ok(())
}

/// The message keeps Java's wording at its end, behind which update it is about.
fn named(error: Error, at: usize, action: &str) -> Error {
    match error {
        Error::BadRequest(message) => Error::BadRequest(format!("updates[{at}] ({action}): {message}")),
        other => other,
    }
}

fn apply(draft: &mut Draft<'_>, update: &TableUpdate) -> Result<(), Error> {
    match update {
        TableUpdate::AssignUuid { uuid } => draft.assign_uuid(uuid),
        TableUpdate::UpgradeFormatVersion { format_version } => draft.upgrade_format_version(*format_version),
        TableUpdate::AddSchema(new) => draft.add_schema(new),
        TableUpdate::SetCurrentSchema { schema_id } => draft.set_current_schema(*schema_id),
        TableUpdate::AddSpec(new) => draft.add_spec(new),
        TableUpdate::SetDefaultSpec { spec_id } => draft.set_default_spec(*spec_id),
        TableUpdate::AddSortOrder { order, text } => draft.add_sort_order(order, text),
        TableUpdate::SetDefaultSortOrder { order_id } => draft.set_default_sort_order(*order_id),
        TableUpdate::AddSnapshot { header, manifests, text } => draft.add_snapshot(header, manifests, text),
        TableUpdate::SetSnapshotRef { name, reference } => draft.set_ref(name, *reference),
        TableUpdate::RemoveSnapshots { snapshot_ids } => draft.remove_snapshots(snapshot_ids),
        TableUpdate::RemoveSnapshotRef { name } => draft.remove_ref(name),
        TableUpdate::SetLocation { location } => draft.set_location(location),
        TableUpdate::SetProperties { updates } => draft.set_properties(updates),
        TableUpdate::RemoveProperties { removals } => draft.remove_properties(removals),
        TableUpdate::SetStatistics { snapshot_id, path, text } => draft.set_statistics(*snapshot_id, path, text),
        TableUpdate::RemoveStatistics { snapshot_id } => draft.remove_statistics(*snapshot_id),
        TableUpdate::SetPartitionStatistics { snapshot_id, path, text } => {
            draft.set_partition_statistics(*snapshot_id, path, text)
        }
        TableUpdate::RemovePartitionStatistics { snapshot_id } => draft.remove_partition_statistics(*snapshot_id),
        TableUpdate::RemovePartitionSpecs { spec_ids } => draft.remove_specs(spec_ids),
        TableUpdate::RemoveSchemas { schema_ids } => draft.remove_schemas(schema_ids),
        TableUpdate::AddEncryptionKey { header, text } => draft.add_encryption_key(header, text),
        TableUpdate::RemoveEncryptionKey { key_id } => draft.remove_encryption_key(key_id),
    }
}
