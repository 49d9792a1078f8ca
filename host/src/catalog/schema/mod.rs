//! The schema of a table or a view as the rules see it.

mod check;
mod defaults;
mod fresh;
mod index;
mod primitive;
mod read;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;

pub use defaults::DefaultValue;
pub use fresh::Fresh;
pub use index::{Index, Place};
pub use primitive::Primitive;

/// Field ids from here on belong to metadata columns (`_file`, `_pos` …).
pub const RESERVED_ID_MIN: i32 = i32::MAX - 200;

/// A schema; two are the same when columns and identifier fields are, whatever their ids.
#[derive(Clone, Debug)]
pub struct Schema {
    pub schema_id: Option<i32>,
    pub identifier_field_ids: Vec<i32>,
    pub fields: Vec<Field>,
}

/// A column or the field of a nested struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub id: i32,
    pub name: String,
    pub required: bool,
    pub kind: Type,
    pub doc: Option<String>,
    pub initial_default: Option<DefaultValue>,
    pub write_default: Option<DefaultValue>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Primitive(Primitive),
    Variant,
    Struct(Vec<Field>),
    List(Box<List>),
    Map(Box<Map>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct List {
    pub element_id: i32,
    pub element_required: bool,
    pub element: Type,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub key_id: i32,
    pub key: Type,
    pub value_id: i32,
    pub value_required: bool,
    pub value: Type,
}

impl Schema {
    /// Whether columns and identifier fields are the same.
    pub fn same_as(&self, other: &Self) -> bool {
        let sorted = |ids: &[i32]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids
        };
        self.fields == other.fields && sorted(&self.identifier_field_ids) == sorted(&other.identifier_field_ids)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primitive(primitive) => primitive.fmt(f),
            Self::Variant => f.write_str("variant"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (at, field) in fields.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    let need = if field.required { "required" } else { "optional" };
                    write!(f, "{comma}{}: {}: {need} {}", field.id, field.name, field.kind)?;
                }
                f.write_str(">")
            }
            Self::List(list) => write!(f, "list<{}>", list.element),
            Self::Map(map) => write!(f, "map<{}, {}>", map.key, map.value),
        }
    }
}
