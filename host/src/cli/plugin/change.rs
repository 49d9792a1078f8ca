//! One change for a contract to review, as an author writes it down.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::metadata::TableMetadata;
use crate::plugin::Proposal;

/// One state of a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct State {
    pub uuid: Option<Uuid>,
    pub location: Option<String>,
    pub format_version: Option<u8>,
    pub columns: Vec<Column>,
    pub properties: BTreeMap<String, String>,
    /// Members of the metadata document, beside or in place of what the other fields make: `snapshots`, `refs` …
    pub document: Map<String, Value>,
}

/// A column of the table's schema, as a field of an Iceberg schema.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Column {
    /// What a column is known by: the same id under another name is a rename.
    pub id: i32,
    pub name: String,
    /// `long`, `decimal(10, 2)` …, or a struct, list or map as the Iceberg specification writes it.
    #[serde(rename = "type")]
    pub kind: Value,
    #[serde(default)]
    pub required: bool,
    pub doc: Option<String>,
}

/// The change from one state to another; the host finds out the difference as it does for a real change.
pub(super) fn proposal(
    operation: &str,
    before: Option<&State>,
    after: Option<&State>,
    updates: &[String],
) -> anyhow::Result<Proposal> {
    let known = || Operation::ALL.iter().map(|each| format!("`{each}`")).collect::<Vec<_>>().join(", ");
    let operation = Operation::ALL
        .iter()
        .find(|each| each.as_str() == operation)
        .with_context(|| format!("there is no operation `{operation}`, expected one of {}", known()))?;
    let before = before.map(State::side).transpose().context("`before` is no table")?;
    let after = after.map(State::side).transpose().context("`after` is no table")?;
    let updates = updates.iter().cloned().map(Into::into).collect();
    Ok(Proposal { operation: *operation, updates, difference: Difference::new(before, after) })
}

impl State {
    fn side(&self) -> anyhow::Result<Side> {
        let metadata = TableMetadata::parse(&serde_json::to_vec(&self.metadata())?)?;
        Ok(Side::table(Arc::new(metadata))?)
    }

    /// A whole metadata document around what the author wrote.
    fn metadata(&self) -> Value {
        let fields: Vec<Value> = self.columns.iter().map(Column::field).collect();
        let mut document = json!({
            "format-version": self.format_version.unwrap_or(2),
            "table-uuid": self.uuid.unwrap_or_default(),
            "location": self.location.as_deref().unwrap_or("file:///table"),
            "last-sequence-number": 0,
            "last-updated-ms": 0,
            "last-column-id": last_id(&Value::Array(fields.clone())),
            "current-schema-id": 0,
            "schemas": [{ "type": "struct", "schema-id": 0, "fields": fields }],
            "default-spec-id": 0,
            "partition-specs": [{ "spec-id": 0, "fields": [] }],
            "last-partition-id": 999,
            "default-sort-order-id": 0,
            "sort-orders": [{ "order-id": 0, "fields": [] }],
            "properties": self.properties,
            "current-snapshot-id": -1,
        });
        for (member, value) in &self.document {
            document[member] = value.clone();
        }
        document
    }
}

impl Column {
    fn field(&self) -> Value {
        let mut field = json!({ "id": self.id, "name": self.name, "required": self.required, "type": self.kind });
        if let Some(doc) = &self.doc {
            field["doc"] = json!(doc);
        }
        field
    }
}

/// The highest id of the fields, of all depths.
fn last_id(value: &Value) -> i64 {
    let own = |(name, value): (&String, &Value)| match name.as_str() {
        "id" | "element-id" | "key-id" | "value-id" => value.as_i64().unwrap_or_default(),
        _ => last_id(value),
    };
    match value {
        Value::Object(members) => members.iter().map(own).max().unwrap_or_default(),
        Value::Array(items) => items.iter().map(last_id).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(columns: &[(i32, &str, &str, bool)]) -> State {
        let column = |&(id, name, kind, required): &(i32, &str, &str, bool)| Column {
            id,
            name: name.into(),
            kind: kind.into(),
            required,
            doc: None,
        };
        State { columns: columns.iter().map(column).collect(), ..State::default() }
    }

    #[test]
    fn the_difference_goes_by_the_ids_of_columns() {
        let before = state(&[(1, "id", "int", true), (2, "price", "float", false), (3, "note", "string", false)]);
        let after = state(&[(1, "key", "long", false), (2, "price", "float", true), (4, "place", "string", false)]);

        let proposal = proposal("commit", Some(&before), Some(&after), &[]).unwrap();

        let found = proposal.difference.columns();
        assert_eq!((found.added[0].path.join("."), found.added.len()), ("place".to_owned(), 1));
        assert_eq!((found.dropped[0].path.join("."), found.dropped.len()), ("note".to_owned(), 1));
        assert_eq!((found.renamed.len(), found.relaxed.len(), found.tightened.len()), (1, 1, 1));
        assert_eq!((found.retyped[0].before.as_str(), found.retyped[0].after.as_str()), ("int", "long"));
    }

    #[test]
    fn the_document_of_a_state_can_say_more() {
        let after = State { document: Map::from_iter([("x-owner".into(), "alice".into())]), ..State::default() };
        let proposal = proposal("create", None, Some(&after), &[]).unwrap();
        let after = proposal.difference.after.unwrap();
        assert_eq!(after.document().unwrap().pointer("/x-owner"), Some(&Value::from("alice")));
    }

    #[test]
    fn an_operation_that_is_not_there_is_told() {
        let told = proposal("drip", None, None, &[]).unwrap_err().to_string();
        assert!(told.contains("`drip`") && told.contains("`drop`"), "{told}");
    }
}
