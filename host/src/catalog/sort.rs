//! Sort orders: read, compared, bound to a schema.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::schema::{Index, Type};
use super::transform::Transform;
use crate::error::Error;

/// The id of the order of tables that are not sorted.
pub const UNSORTED_ID: i32 = 0;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortOrder {
    #[serde(default)]
    pub order_id: i32,
    pub fields: Vec<SortField>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortField {
    pub transform: Transform,
    pub source_id: i32,
    pub direction: Direction,
    pub null_order: NullOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[serde(alias = "ASC")]
    Asc,
    #[serde(alias = "DESC")]
    Desc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullOrder {
    NullsFirst,
    NullsLast,
}

impl SortOrder {
    pub const fn unsorted() -> Self {
        Self { order_id: UNSORTED_ID, fields: Vec::new() }
    }

    pub fn is_unsorted(&self) -> bool {
        self.fields.is_empty()
    }

    /// Every source column is there and can be sorted so.
    pub fn check_compatibility(&self, schema: &Index<'_>) -> Result<(), Error> {
        for field in &self.fields {
            let Some(source) = schema.by_id(field.source_id) else {
                return Err(Error::BadRequest(format!("Cannot find source column for sort field: {field}")));
            };
            if !matches!(source.kind, Type::Primitive(_)) {
                return Err(Error::BadRequest(format!("Cannot sort by non-primitive source field: {}", source.kind)));
            }
            if !field.transform.accepts(source.kind) {
                return Err(Error::BadRequest(format!(
                    "Invalid source type {} for transform: {}",
                    source.kind, field.transform
                )));
            }
        }
        Ok(())
    }
}

impl fmt::Display for SortField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Asc => "ASC",
            Direction::Desc => "DESC",
        };
        let nulls = match self.null_order {
            NullOrder::NullsFirst => "NULLS FIRST",
            NullOrder::NullsLast => "NULLS LAST",
        };
        write!(f, "{}({}) {direction} {nulls}", self.transform, self.source_id)
    }
}
