//! One change for a contract to review, as an author writes it down.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::plugin::{Described, PropertyChange, Proposal, Retype, TableColumn};

/// One state of a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct State {
    pub uuid: String,
    pub location: String,
    pub format_version: Option<u32>,
    pub columns: Vec<Column>,
    pub properties: BTreeMap<String, String>,
    /// The metadata document, for contracts that look into it.
    pub document: serde_json::Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Column {
    /// What a column is known by: the same id under another name is a rename.
    pub id: i32,
    /// Its path: `address.street`.
    pub name: String,
    #[serde(rename = "type")]
    pub type_text: String,
    #[serde(default)]
    pub required: bool,
    pub doc: Option<String>,
    pub default: Option<String>,
}

/// The change from one state to another, the difference computed.
pub(super) fn proposal(operation: &str, before: Option<&State>, after: Option<&State>) -> Proposal {
    let none = Vec::new();
    let (old, new) = (before.map_or(&none, |state| &state.columns), after.map_or(&none, |state| &state.columns));
    let mut proposal = Proposal {
        operation: operation.to_owned(),
        before: before.map(described),
        after: after.map(described),
        properties: properties(before, after),
        ..Proposal::default()
    };
    // What appears or goes with the whole table is no change of columns.
    if before.is_none() || after.is_none() {
        return proposal;
    }
    let find = |columns: &[Column], id: i32| columns.iter().find(|column| column.id == id).cloned();
    proposal.dropped = old.iter().filter(|column| find(new, column.id).is_none()).map(column).collect();
    for now in new {
        let Some(was) = find(old, now.id) else {
            proposal.added.push(column(now));
            continue;
        };
        if was.name != now.name {
            proposal.renamed.push((column(&was), column(now)));
        }
        if was.type_text != now.type_text {
            let path = path(now);
            proposal.retyped.push(Retype {
                id: now.id,
                path,
                before: was.type_text.clone(),
                after: now.type_text.clone(),
            });
        }
        match (was.required, now.required) {
            (true, false) => proposal.relaxed.push(column(now)),
            (false, true) => proposal.tightened.push(column(now)),
            _ => {}
        }
    }
    proposal
}

fn properties(before: Option<&State>, after: Option<&State>) -> Vec<PropertyChange> {
    let none = BTreeMap::new();
    let old = before.map_or(&none, |state| &state.properties);
    let new = after.map_or(&none, |state| &state.properties);
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| PropertyChange { key: key.clone(), before: old.get(key).cloned(), after: new.get(key).cloned() })
        .collect()
}

fn described(state: &State) -> Arc<Described> {
    let document = if state.document.is_null() { Vec::new() } else { state.document.to_string().into_bytes() };
    Arc::new(Described {
        uuid: state.uuid.clone(),
        location: state.location.clone(),
        format_version: state.format_version.unwrap_or(2),
        columns: state.columns.iter().map(column).collect(),
        properties: state.properties.clone(),
        document,
        tree: OnceLock::new(),
    })
}

fn path(column: &Column) -> Vec<String> {
    column.name.split('.').map(str::to_owned).collect()
}

fn column(given: &Column) -> TableColumn {
    TableColumn {
        id: given.id,
        path: path(given),
        type_text: given.type_text.clone(),
        required: given.required,
        doc: given.doc.clone(),
        default: given.default.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(columns: &[(i32, &str, &str, bool)]) -> State {
        let column = |&(id, name, type_text, required): &(i32, &str, &str, bool)| Column {
            id,
            name: name.into(),
            type_text: type_text.into(),
            required,
            doc: None,
            default: None,
        };
        State { columns: columns.iter().map(column).collect(), ..State::default() }
    }

    #[test]
    fn the_difference_goes_by_the_ids_of_columns() {
        let before = state(&[(1, "id", "int", true), (2, "price", "float", false), (3, "note", "string", false)]);
        let after = state(&[(1, "key", "long", false), (2, "price", "float", true), (4, "place", "string", false)]);

        let proposal = proposal("commit", Some(&before), Some(&after));

        let names = |columns: &[TableColumn]| columns.iter().map(|each| each.path.join(".")).collect::<Vec<_>>();
        assert_eq!(names(&proposal.added), ["place"]);
        assert_eq!(names(&proposal.dropped), ["note"]);
        assert_eq!(names(&proposal.relaxed), ["key"]);
        assert_eq!(names(&proposal.tightened), ["price"]);
        assert_eq!((proposal.renamed.len(), proposal.retyped.len()), (1, 1));
        assert_eq!((proposal.retyped[0].before.as_str(), proposal.retyped[0].after.as_str()), ("int", "long"));
    }

    #[test]
    fn a_new_table_changes_its_properties_alone() {
        let mut after = state(&[(1, "id", "int", true)]);
        after.properties.insert("owner".into(), "alice".into());

        let proposal = proposal("create", None, Some(&after));

        assert!(proposal.added.is_empty());
        assert_eq!(proposal.properties[0].after.as_deref(), Some("alice"));
    }
}
