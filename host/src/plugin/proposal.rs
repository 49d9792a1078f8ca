//! A change that a contract is asked about.

use std::borrow::Cow;

use super::faults::within_bytes;
use super::{PropertyChange, Retype, TableColumn};
use crate::catalog::difference::{self as law, Difference, Operation, Side};

/// What would change. Guests see it piece by piece, as they ask.
#[derive(Debug)]
pub struct Proposal {
    pub operation: Operation,
    /// Actions of the request, in order.
    pub updates: Vec<Cow<'static, str>>,
    pub difference: Difference,
}

impl Proposal {
    pub(super) fn added(&self) -> Vec<TableColumn> {
        columns(&self.difference.columns().added)
    }

    pub(super) fn dropped(&self) -> Vec<TableColumn> {
        columns(&self.difference.columns().dropped)
    }

    pub(super) fn renamed(&self) -> Vec<(TableColumn, TableColumn)> {
        self.difference.columns().renamed.iter().map(|(before, after)| (column(before), column(after))).collect()
    }

    pub(super) fn retyped(&self) -> Vec<Retype> {
        let retype = |found: &law::Retyped| Retype {
            id: found.id,
            path: found.path.clone(),
            before: found.before.clone(),
            after: found.after.clone(),
        };
        self.difference.columns().retyped.iter().map(retype).collect()
    }

    pub(super) fn relaxed(&self) -> Vec<TableColumn> {
        columns(&self.difference.columns().relaxed)
    }

    pub(super) fn tightened(&self) -> Vec<TableColumn> {
        columns(&self.difference.columns().tightened)
    }

    pub(super) fn properties(&self) -> Vec<PropertyChange> {
        let change =
            |found: law::PropertyChange| PropertyChange { key: found.key, before: found.before, after: found.after };
        self.difference.properties().into_iter().map(change).collect()
    }
}

pub(super) fn columns(columns: &[law::Column]) -> Vec<TableColumn> {
    columns.iter().map(column).collect()
}

fn column(column: &law::Column) -> TableColumn {
    TableColumn {
        id: column.id,
        path: column.path.clone(),
        type_text: column.type_text.clone(),
        required: column.required,
        doc: column.doc.clone(),
        default: column.default.clone(),
    }
}

/// The JSON below a pointer (RFC 6901) into a state's document, or what is wrong with the wish.
pub(super) fn json_below(side: &Side, pointer: &str, bytes_max: u32) -> Result<String, String> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(format!("`{}` is no JSON pointer: it begins with `/`", within_bytes(pointer, 64)));
    }
    let document = side.document().ok_or("the document cannot be read")?;
    let found = document.pointer(pointer).ok_or("there is nothing at this pointer")?;
    let text = found.to_string();
    if text.len() > bytes_max as usize {
        return Err(format!("the value has {} bytes, at most {bytes_max} were asked for", text.len()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ident::Namespace;

    fn side() -> Side {
        let path = Namespace::parse(vec!["a".into(), "b".into()]).unwrap();
        Side::namespace(uuid::Uuid::nil(), &path, &indexmap::IndexMap::new())
    }

    #[test]
    fn a_pointer_leads_to_its_piece_of_the_document() {
        assert_eq!(json_below(&side(), "/namespace", 100).unwrap(), r#"["a","b"]"#);
        assert_eq!(json_below(&side(), "/namespace/1", 100).unwrap(), r#""b""#);
    }

    #[test]
    fn t14_bad_pointers_are_told_instead_of_followed() {
        let bad = ["namespace", "/namespace/9", "/namespace/-1", "/namespace/18446744073709551616", "/\u{0}", "//"];
        for pointer in bad {
            json_below(&side(), pointer, 100).unwrap_err();
        }
        json_below(&side(), "/namespace", 3).unwrap_err();
    }
}
