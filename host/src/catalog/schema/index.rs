//! The fields of a schema by id or by full name.

use std::collections::HashMap;

use super::{Schema, Type};
use crate::error::Error;

/// Where a field stands.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub id: i32,
    /// The full name, e.g. `locations.key.zip`.
    pub name: String,
    /// The last part of the name.
    pub short: &'a str,
    pub required: bool,
    pub kind: &'a Type,
    pub parent: Option<i32>,
}

/// Every field of a schema, nested ones included.
#[derive(Debug)]
pub struct Index<'a> {
    places: Vec<Place<'a>>,
    by_id: HashMap<i32, usize>,
    by_name: HashMap<String, usize>,
}

impl Schema {
    /// 400 when an id or a full name is used twice.
    pub fn index(&self) -> Result<Index<'_>, Error> {
        let mut index = Index { places: Vec::new(), by_id: HashMap::new(), by_name: HashMap::new() };
        for field in &self.fields {
            let place = Place {
                id: field.id,
                name: field.name.clone(),
                short: &field.name,
                required: field.required,
                kind: &field.kind,
                parent: None,
            };
            index.add(place)?;
        }
        Ok(index)
    }
}

impl<'a> Index<'a> {
    pub fn places(&self) -> &[Place<'a>] {
        &self.places
    }

    pub fn by_id(&self, id: i32) -> Option<&Place<'a>> {
        self.by_id.get(&id).and_then(|at| self.places.get(*at))
    }

    /// The field with this full name; for what lies in lists and maps also the name without `element` or `value`.
    pub fn by_name(&self, name: &str) -> Option<&Place<'a>> {
        self.by_name.get(name).and_then(|at| self.places.get(*at))
    }

    /// The fields around this one, from the column down.
    pub fn ancestors(&self, id: i32) -> Vec<&Place<'a>> {
        let mut ancestors = Vec::new();
        let mut parent = self.by_id(id).and_then(|place| place.parent);
        while let Some(place) = parent.and_then(|id| self.by_id(id)) {
            ancestors.push(place);
            parent = place.parent;
        }
        ancestors.reverse();
        ancestors
    }

    fn add(&mut self, place: Place<'a>) -> Result<(), Error> {
        let at = self.places.len();
        if let Some(other) = self.by_name.insert(place.name.clone(), at).and_then(|at| self.places.get(at)) {
            return Err(Error::BadRequest(format!(
                "Invalid schema: multiple fields for name {}: {} and {}",
                place.name, other.id, place.id
            )));
        }
        if let Some(other) = self.by_id.insert(place.id, at).and_then(|at| self.places.get(at)) {
            return Err(Error::BadRequest(format!(
                "Invalid schema: multiple fields with id {}: {} and {}",
                place.id, other.name, place.name
            )));
        }
        let (id, name, kind) = (place.id, place.name.clone(), place.kind);
        self.places.push(place);
        self.add_nested(id, &name, kind)
    }

    fn add_nested(&mut self, parent: i32, above: &str, kind: &'a Type) -> Result<(), Error> {
        let mut child = |id, short: &'a str, required, kind| {
            self.add(Place { id, name: format!("{above}.{short}"), short, required, kind, parent: Some(parent) })
        };
        match kind {
            Type::Primitive(_) | Type::Variant => Ok(()),
            Type::Struct(fields) => {
                fields.iter().try_for_each(|field| child(field.id, &field.name, field.required, &field.kind))
            }
            Type::List(list) => child(list.element_id, "element", list.element_required, &list.element),
            Type::Map(map) => {
                child(map.key_id, "key", true, &map.key)?;
                child(map.value_id, "value", map.value_required, &map.value)
            }
        }
    }
}
