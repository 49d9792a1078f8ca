//! Columns of all depths, compared by id.

use std::collections::HashMap;

use crate::catalog::schema::{Field, Schema, Type};

/// A column, the field of a struct, the element of a list, the key or the value of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub id: i32,
    /// From the top down: `address`, `street`; what lies in lists and maps is called `element`, `key`, `value`.
    pub path: Vec<String>,
    pub type_text: String,
    pub required: bool,
    pub doc: Option<String>,
    /// What rows have that were written before the column came, as JSON.
    pub default: Option<String>,
    shape: Shape,
}

/// What has to be the same for a type to be the same; the parts of a nested type are columns of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Plain(String),
    Struct,
    List,
    Map,
}

/// A column with another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retyped {
    pub id: i32,
    /// The path that it had.
    pub path: Vec<String>,
    pub before: String,
    pub after: String,
}

/// What became of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnChanges {
    pub added: Vec<Column>,
    pub dropped: Vec<Column>,
    /// Before, after; a column whose parent has another name has another path, too.
    pub renamed: Vec<(Column, Column)>,
    pub retyped: Vec<Retyped>,
    /// Required became optional.
    pub relaxed: Vec<Column>,
    /// Optional became required.
    pub tightened: Vec<Column>,
}

impl ColumnChanges {
    /// A column is the same as long as its id is.
    pub fn between(before: &[Column], after: &[Column]) -> Self {
        let by_id = |columns: &'_ [Column]| -> HashMap<i32, usize> {
            columns.iter().enumerate().map(|(at, column)| (column.id, at)).collect()
        };
        let (known, kept) = (by_id(before), by_id(after));
        let mut changes = Self {
            dropped: before.iter().filter(|column| !kept.contains_key(&column.id)).cloned().collect(),
            ..Self::default()
        };
        for column in after {
            match known.get(&column.id).and_then(|at| before.get(*at)) {
                None => changes.added.push(column.clone()),
                Some(old) => changes.note(old, column),
            }
        }
        changes
    }

    fn note(&mut self, old: &Column, new: &Column) {
        if old.path != new.path {
            self.renamed.push((old.clone(), new.clone()));
        }
        if old.shape != new.shape {
            self.retyped.push(Retyped {
                id: old.id,
                path: old.path.clone(),
                before: old.type_text.clone(),
                after: new.type_text.clone(),
            });
        }
        match (old.required, new.required) {
            (true, false) => self.relaxed.push(new.clone()),
            (false, true) => self.tightened.push(new.clone()),
            _ => {}
        }
    }
}

/// Every column of a schema, each before what lies in it.
pub(super) fn all(schema: &Schema) -> Vec<Column> {
    let mut columns = Vec::with_capacity(schema.fields.len());
    schema.fields.iter().for_each(|field| add_field(&mut columns, &[], field));
    columns
}

fn add_field(columns: &mut Vec<Column>, above: &[String], field: &Field) {
    let default = field.initial_default.as_ref().and_then(|default| serde_json::to_string(default).ok());
    let column = Column {
        doc: field.doc.clone(),
        default: default.filter(|text| text != "null"),
        ..part(above, field.id, &field.name, (field.required, &field.kind))
    };
    add(columns, column, &field.kind);
}

fn part(above: &[String], id: i32, name: &str, (required, kind): (bool, &Type)) -> Column {
    let path = above.iter().map(String::as_str).chain([name]).map(str::to_owned).collect();
    Column { id, path, type_text: kind.to_string(), required, doc: None, default: None, shape: shape(kind) }
}

fn shape(kind: &Type) -> Shape {
    match kind {
        Type::Primitive(primitive) => Shape::Plain(primitive.to_string()),
        Type::Variant => Shape::Plain("variant".to_owned()),
        Type::Struct(_) => Shape::Struct,
        Type::List(_) => Shape::List,
        Type::Map(_) => Shape::Map,
    }
}

/// The column, then what lies in it.
fn add(columns: &mut Vec<Column>, column: Column, kind: &Type) {
    let above = column.path.clone();
    columns.push(column);
    match kind {
        Type::Primitive(_) | Type::Variant => {}
        Type::Struct(fields) => fields.iter().for_each(|field| add_field(columns, &above, field)),
        Type::List(list) => {
            let element = part(&above, list.element_id, "element", (list.element_required, &list.element));
            add(columns, element, &list.element);
        }
        Type::Map(map) => {
            add(columns, part(&above, map.key_id, "key", (true, &map.key)), &map.key);
            add(columns, part(&above, map.value_id, "value", (map.value_required, &map.value)), &map.value);
        }
    }
}
