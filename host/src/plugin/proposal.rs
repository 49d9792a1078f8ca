//! A change that a contract is asked about.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::{PropertyChange, Retype, TableColumn};

/// What would change. Guests see it piece by piece, as they ask.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// `create`, `commit`, `drop`, …
    pub operation: String,
    pub before: Option<Arc<Described>>,
    pub after: Option<Arc<Described>>,
    /// Actions of the request, in order.
    pub updates: Vec<String>,
    /// Branches, tags that move.
    pub refs: Vec<String>,
    pub added: Vec<TableColumn>,
    pub dropped: Vec<TableColumn>,
    /// Before, after.
    pub renamed: Vec<(TableColumn, TableColumn)>,
    pub retyped: Vec<Retype>,
    /// Required became optional.
    pub relaxed: Vec<TableColumn>,
    /// Optional became required.
    pub tightened: Vec<TableColumn>,
    pub properties: Vec<PropertyChange>,
    /// Of the snapshot that the change adds.
    pub snapshot_summary: BTreeMap<String, String>,
}

/// One state of a table, a view or a namespace.
#[derive(Debug, Default)]
pub struct Described {
    pub uuid: String,
    pub location: String,
    pub format_version: u32,
    pub columns: Vec<TableColumn>,
    pub properties: BTreeMap<String, String>,
    /// The metadata document.
    pub document: Vec<u8>,
    /// The same as a tree, once a guest asked for a piece of it.
    pub tree: OnceLock<serde_json::Value>,
}

impl Described {
    /// The JSON below a pointer (RFC 6901), or what is wrong with the wish.
    pub(super) fn json_below(&self, pointer: &str, bytes_max: u32) -> Result<String, String> {
        let tree = self.tree.get_or_init(|| serde_json::from_slice(&self.document).unwrap_or_default());
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!(
                "`{}` is no JSON pointer: it begins with `/`",
                super::faults::within_bytes(pointer, 64)
            ));
        }
        let found = tree.pointer(pointer).ok_or("there is nothing at this pointer")?;
        let text = found.to_string();
        if text.len() > bytes_max as usize {
            return Err(format!("the value has {} bytes, at most {bytes_max} were asked for", text.len()));
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Described {
        Described { document: br#"{"schemas":[{"fields":[1,2]}]}"#.to_vec(), ..Described::default() }
    }

    #[test]
    fn a_pointer_leads_to_its_piece_of_the_document() {
        assert_eq!(described().json_below("/schemas/0/fields", 100).unwrap(), "[1,2]");
    }

    #[test]
    fn t14_bad_pointers_are_told_instead_of_followed() {
        for pointer in ["schemas", "/schemas/9", "/schemas/-1", "/schemas/18446744073709551616", "/\u{0}", "//"] {
            described().json_below(pointer, 100).unwrap_err();
        }
        described().json_below("/schemas", 3).unwrap_err();
    }
}
