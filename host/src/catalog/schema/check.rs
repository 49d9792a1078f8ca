//! What a schema must fulfil, in general or for a format version.

use super::{Index, Place, Primitive, RESERVED_ID_MIN, Schema, Type, defaults};
use crate::error::Error;

/// The first format version that knows column defaults.
const DEFAULTS_SINCE: i32 = 3;

impl Schema {
    /// What holds for every schema: names and ids are unique, identifier fields can identify, defaults fit their types.
    pub fn check(&self) -> Result<(), Error> {
        let index = self.index()?;
        for id in &self.identifier_field_ids {
            check_identifier(&index, *id)?;
        }
        check_fields(&self.fields)
    }

    /// The highest field id, 0 in a schema without fields.
    pub fn highest_field_id(&self) -> Result<i32, Error> {
        Ok(self.index()?.places().iter().map(|place| place.id).max().unwrap_or(0))
    }

    /// Field ids that a client gave must not be negative or those of metadata columns.
    pub fn check_assigned_ids(&self) -> Result<(), Error> {
        match self.index()?.places().iter().find(|place| place.id < 0 || place.id >= RESERVED_ID_MIN) {
            Some(place) => Err(Error::BadRequest(format!(
                "Invalid field id for {}: {} is not between 0 and {}",
                place.name,
                place.id,
                RESERVED_ID_MIN - 1
            ))),
            None => Ok(()),
        }
    }

    /// 400 when the schema has types or defaults that the format version does not know, all of them listed.
    pub fn check_format_version(&self, format_version: i32) -> Result<(), Error> {
        let index = self.index()?;
        let mut problems: Vec<(i32, String)> = Vec::new();
        for place in index.places() {
            if let Some(since) = since(place.kind).filter(|since| *since > format_version) {
                problems.push((
                    place.id,
                    format!("Invalid type for {}: {} is not supported until v{since}", place.name, place.kind),
                ));
            }
        }
        if format_version < DEFAULTS_SINCE {
            defaults::for_each_initial(&self.fields, "", &mut |id, name, value| {
                problems.push((
                    id,
                    format!(
                        "Invalid initial default for {name}: non-null default ({}) is not supported until v{DEFAULTS_SINCE}",
                        defaults::shown(value)
                    ),
                ));
            });
        }
        if problems.is_empty() {
            return Ok(());
        }
        problems.sort();
        let list: Vec<String> = problems.into_iter().map(|(_, problem)| problem).collect();
        Err(Error::BadRequest(format!("Invalid schema for v{format_version}:\n- {}", list.join("\n- "))))
    }
}

/// The first format version that knows the type, where it was not there from the beginning.
fn since(kind: &Type) -> Option<i32> {
    match kind {
        Type::Variant
        | Type::Primitive(
            Primitive::TimestampNs
            | Primitive::TimestampTzNs
            | Primitive::Unknown
            | Primitive::Geometry { .. }
            | Primitive::Geography { .. },
        ) => Some(3),
        _ => None,
    }
}

fn check_identifier(index: &Index<'_>, id: i32) -> Result<(), Error> {
    let Some(field) = index.by_id(id) else {
        return Err(Error::BadRequest(format!("Cannot add fieldId {id} as an identifier field: field does not exist")));
    };
    let refuse =
        |why: String| Err(Error::BadRequest(format!("Cannot add field {} as an identifier field: {why}", field.short)));
    let Type::Primitive(primitive) = field.kind else {
        return refuse("not a primitive type field".to_owned());
    };
    if !field.required {
        return refuse("not a required field".to_owned());
    }
    if matches!(primitive, Primitive::Float | Primitive::Double) {
        return refuse("must not be float or double field".to_owned());
    }
    for ancestor in index.ancestors(id) {
        if !matches!(ancestor.kind, Type::Struct(_)) {
            return refuse(format!("must not be nested in {}", shown(ancestor)));
        }
        if !ancestor.required {
            return refuse(format!("must not be nested in an optional field {}", shown(ancestor)));
        }
    }
    Ok(())
}

fn shown(place: &Place<'_>) -> String {
    let need = if place.required { "required" } else { "optional" };
    format!("{}: {}: {need} {}", place.id, place.short, place.kind)
}

fn check_fields(fields: &[super::Field]) -> Result<(), Error> {
    for field in fields {
        if field.name.is_empty() {
            return Err(Error::BadRequest(format!("Invalid schema: field {} has an empty name", field.id)));
        }
        if field.required && field.kind == Type::Primitive(Primitive::Unknown) {
            return Err(Error::BadRequest(format!("Cannot create required field with unknown type: {}", field.name)));
        }
        defaults::check(field, "initial-default", field.initial_default.as_ref())?;
        defaults::check(field, "write-default", field.write_default.as_ref())?;
        check_nested(&field.kind)?;
    }
    Ok(())
}

fn check_nested(kind: &Type) -> Result<(), Error> {
    match kind {
        Type::Primitive(_) | Type::Variant => Ok(()),
        Type::Struct(fields) => check_fields(fields),
        Type::List(list) => check_nested(&list.element),
        Type::Map(map) => check_nested(&map.key).and_then(|()| check_nested(&map.value)),
    }
}
