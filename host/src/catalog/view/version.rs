//! One version of a view: its query in one or more dialects.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::json::Text;
use crate::error::Error;

/// What the rules read of a version.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Version {
    pub version_id: i32,
    pub timestamp_ms: i64,
    pub schema_id: i32,
    pub summary: IndexMap<String, String>,
    pub representations: Vec<Value>,
    #[serde(default)]
    pub default_catalog: Option<String>,
    pub default_namespace: Vec<String>,
}

/// When a version became the current one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct HistoryEntry {
    pub timestamp_ms: i64,
    pub version_id: i32,
}

#[derive(Deserialize)]
struct SqlRepresentation {
    #[serde(rename = "sql")]
    _sql: String,
    dialect: String,
}

impl Version {
    pub fn parse(text: &Text) -> Result<Self, Error> {
        text.read().map_err(|error| Error::BadRequest(format!("Cannot parse view version: {error}")))
    }

    /// What a new version must fulfil: at least one query, each in SQL, one a dialect.
    pub fn check(&self) -> Result<(), Error> {
        if self.representations.is_empty() {
            return Err(Error::bad_request(
                "Cannot create view without specifying a query: `representations` of the view version is empty",
            ));
        }
        let mut dialects = BTreeSet::new();
        for representation in &self.representations {
            let dialect = dialect_of(representation)?;
            if !dialects.insert(dialect.clone()) {
                return Err(Error::BadRequest(format!(
                    "Invalid view version: Cannot add multiple queries for dialect {dialect}"
                )));
            }
        }
        Ok(())
    }

    /// The dialects of its queries in lower case; dialects differ in nothing but case for nobody.
    pub fn dialects(&self) -> BTreeSet<String> {
        self.representations.iter().filter_map(|representation| dialect_of(representation).ok()).collect()
    }

    /// Whether both behave the same, whatever their id or age.
    pub fn same_as(&self, other: &Self) -> bool {
        self.schema_id == other.schema_id
            && self.representations == other.representations
            && self.default_namespace == other.default_namespace
            && self.default_catalog == other.default_catalog
            && self.summary == other.summary
    }
}

fn dialect_of(representation: &Value) -> Result<String, Error> {
    let kind = representation.get("type").and_then(Value::as_str).unwrap_or("none");
    if kind != "sql" {
        return Err(Error::BadRequest(format!("Found unsupported view representations: [{kind}], expected `sql`")));
    }
    let sql = SqlRepresentation::deserialize(representation)
        .map_err(|error| Error::BadRequest(format!("Cannot parse SQL view representation: {error}")))?;
    Ok(sql.dialect.to_lowercase())
}
