//! Partition specs: read, compared, bound to a schema.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::schema::{Index, Type};
use super::transform::Transform;
use crate::error::Error;

/// The first partition field id; those of v1 tables count up from here.
pub const FIRST_FIELD_ID: i32 = 1000;

/// A spec whose fields all have ids.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionSpec {
    pub spec_id: i32,
    pub fields: Vec<PartitionField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionField {
    pub name: String,
    pub transform: Transform,
    pub source_id: i32,
    pub field_id: i32,
}

/// A spec as a client or a v1 file writes it: ids may be missing.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnboundSpec {
    #[serde(default)]
    pub spec_id: Option<i32>,
    pub fields: Vec<UnboundField>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UnboundField {
    pub name: String,
    pub transform: Transform,
    pub source_id: i32,
    #[serde(default)]
    pub field_id: Option<i32>,
}

impl UnboundSpec {
    /// Ids for the fields that have none, counting up from `first`.
    pub fn numbered(&self, spec_id: i32, first: i32) -> Result<PartitionSpec, Error> {
        let mut next = Some(first);
        let mut fields = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let field_id = match field.field_id {
                Some(field_id) => field_id,
                None => {
                    let field_id = next.ok_or_else(|| Error::bad_request("partition field ids are used up"))?;
                    next = field_id.checked_add(1);
                    field_id
                }
            };
            fields.push(PartitionField {
                name: field.name.clone(),
                transform: field.transform.clone(),
                source_id: field.source_id,
                field_id,
            });
        }
        Ok(PartitionSpec { spec_id, fields })
    }
}

impl PartitionSpec {
    pub const fn unpartitioned() -> Self {
        Self { spec_id: 0, fields: Vec::new() }
    }

    /// The highest field id, 999 in a spec without fields.
    pub fn last_field_id(&self) -> i32 {
        self.fields.iter().map(|field| field.field_id).max().unwrap_or(FIRST_FIELD_ID - 1).max(FIRST_FIELD_ID - 1)
    }

    /// Whether both make the same partitions: fields alike in source, transform and name, in the same order.
    pub fn compatible_with(&self, other: &Self) -> bool {
        self.fields.len() == other.fields.len()
            && self.fields.iter().zip(&other.fields).all(|(one, two)| {
                one.source_id == two.source_id && one.transform == two.transform && one.name == two.name
            })
    }

    /// v1 has no field ids in its files: they follow from the order.
    pub fn has_sequential_ids(&self) -> bool {
        (FIRST_FIELD_ID..).zip(&self.fields).all(|(id, field)| field.field_id == id)
    }

    /// No field has the name of a column that it is not made from.
    pub fn check_conflicts(&self, schema: &Index<'_>) -> Result<(), Error> {
        let stands_for_another =
            |field: &&PartitionField| schema.by_name(&field.name).is_some_and(|column| column.id != field.source_id);
        match self.fields.iter().find(stands_for_another) {
            Some(field) => Err(Error::BadRequest(format!(
                "Cannot create identity partition sourced from different field in schema: {}",
                field.name
            ))),
            None => Ok(()),
        }
    }

    /// Field names are unique and do not stand for another column of the schema; ids are used once.
    pub fn check_names(&self, schema: &Index<'_>) -> Result<(), Error> {
        self.check_conflicts(schema)?;
        let mut names = HashSet::new();
        let mut ids = HashSet::new();
        for field in &self.fields {
            if field.name.is_empty() {
                return Err(Error::bad_request("Cannot use empty partition name: "));
            }
            if !names.insert(&field.name) {
                return Err(Error::BadRequest(format!("Cannot use partition name more than once: {}", field.name)));
            }
            if field.field_id < 0 || !ids.insert(field.field_id) {
                return Err(Error::BadRequest(format!(
                    "Invalid partition field id for {}: {} is negative or used more than once",
                    field.name, field.field_id
                )));
            }
        }
        Ok(())
    }

    /// Every source column is there and can be transformed so.
    pub fn check_compatibility(&self, schema: &Index<'_>) -> Result<(), Error> {
        for field in self.fields.iter().filter(|field| field.transform != Transform::Void) {
            let Some(source) = schema.by_id(field.source_id) else {
                return Err(Error::BadRequest(format!("Cannot find source column for partition field: {field}")));
            };
            if !matches!(source.kind, Type::Primitive(_)) {
                return Err(Error::BadRequest(format!(
                    "Cannot partition by non-primitive source field: {}",
                    source.kind
                )));
            }
            if !field.transform.accepts(source.kind) {
                return Err(Error::BadRequest(format!(
                    "Invalid source type {} for transform: {}",
                    source.kind, field.transform
                )));
            }
            if let Some(parent) =
                schema.ancestors(source.id).iter().find(|place| !matches!(place.kind, Type::Struct(_)))
            {
                return Err(Error::BadRequest(format!("Invalid partition field parent: {}", parent.kind)));
            }
        }
        Ok(())
    }
}

/// One field a line in brackets, as the Java library prints a spec.
impl fmt::Display for PartitionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for field in &self.fields {
            write!(f, "\n  {field}")?;
        }
        if !self.fields.is_empty() {
            f.write_str("\n")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for PartitionField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}({})", self.field_id, self.name, self.transform, self.source_id)
    }
}
