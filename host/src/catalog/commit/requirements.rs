//! Requirements, answered with the wording of the Java library that clients look for.

use uuid::Uuid;

use crate::catalog::metadata::{State, TableMetadata};
use crate::catalog::requests::TableRequirement;
use crate::error::Error;

pub(super) fn is_create(requirements: &[TableRequirement]) -> Result<bool, Error> {
    if !requirements.contains(&TableRequirement::AssertCreate) {
        return Ok(false);
    }
    let others: Vec<_> = requirements.iter().filter(|one| **one != TableRequirement::AssertCreate).collect();
    if others.is_empty() {
        return Ok(true);
    }
    Err(Error::BadRequest(format!("Invalid create requirements: {others:?}; `assert-create` stands alone")))
}

/// 409 for the first requirement that does not hold.
pub(super) fn check(base: Option<&TableMetadata>, requirements: &[TableRequirement]) -> Result<(), Error> {
    is_create(requirements)?;
    let Some(base) = base.map(TableMetadata::state) else {
        return Ok(());
    };
    requirements.iter().try_for_each(|requirement| check_one(base, requirement))
}

fn check_one(base: &State, requirement: &TableRequirement) -> Result<(), Error> {
    match requirement {
        TableRequirement::AssertCreate => Err(table_exists()),
        TableRequirement::AssertTableUuid { uuid } => check_uuid(base, uuid),
        TableRequirement::AssertRefSnapshotId { name, snapshot_id } => check_ref(base, name, *snapshot_id),
        TableRequirement::AssertLastAssignedFieldId { last_assigned_field_id } => {
            same("last assigned field id", *last_assigned_field_id, base.last_column_id)
        }
        TableRequirement::AssertCurrentSchemaId { current_schema_id } => {
            same("current schema", *current_schema_id, base.current_schema_id)
        }
        TableRequirement::AssertLastAssignedPartitionId { last_assigned_partition_id } => {
            same("last assigned partition id", *last_assigned_partition_id, base.last_partition_id)
        }
        TableRequirement::AssertDefaultSpecId { default_spec_id } => {
            same("default partition spec", *default_spec_id, base.default_spec_id)
        }
        TableRequirement::AssertDefaultSortOrderId { default_sort_order_id } => {
            same("default sort order", *default_sort_order_id, base.default_sort_order_id)
        }
    }
}

fn check_uuid(base: &State, uuid: &str) -> Result<(), Error> {
    let same = match (Uuid::try_parse(uuid), Uuid::try_parse(&base.uuid)) {
        (Ok(asked), Ok(found)) => asked == found,
        _ => uuid.eq_ignore_ascii_case(&base.uuid),
    };
    if same { Ok(()) } else { failed(format!("UUID does not match: expected {} != {uuid}", base.uuid)) }
}

fn check_ref(base: &State, name: &str, expected: Option<i64>) -> Result<(), Error> {
    match (base.refs.get(name).map(|entry| entry.header), expected) {
        (None, None) => Ok(()),
        (None, Some(expected)) => failed(format!("branch or tag {name} is missing, expected {expected}")),
        (Some(found), None) => failed(format!("{} {name} was created concurrently", found.kind.as_str())),
        (Some(found), Some(expected)) if found.snapshot_id == expected => Ok(()),
        (Some(found), Some(expected)) => {
            let kind = found.kind.as_str();
            failed(format!("{kind} {name} has changed: expected id {expected} != {}", found.snapshot_id))
        }
    }
}

fn same(what: &str, expected: i32, found: i32) -> Result<(), Error> {
    if expected == found { Ok(()) } else { failed(format!("{what} changed: expected id {expected} != {found}")) }
}

pub(super) fn table_exists() -> Error {
    failure("table already exists")
}

fn failed(what: impl std::fmt::Display) -> Result<(), Error> {
    Err(failure(what))
}

fn failure(what: impl std::fmt::Display) -> Error {
    Error::CommitFailed(format!("Requirement failed: {what}"))
}
