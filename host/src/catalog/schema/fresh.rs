//! Field ids of a new table, given out in the order in which the Java library gives them.

use std::collections::HashMap;

use super::{Field, List, Map, Schema, Type};
use crate::error::Error;

/// A schema whose fields have new ids, with the way from the old ids to the new ones.
#[derive(Debug)]
pub struct Fresh {
    pub schema: Schema,
    pub last_column_id: i32,
    pub new_ids: HashMap<i32, i32>,
}

/// The counter of field ids.
struct Counter {
    last: i32,
    new_ids: HashMap<i32, i32>,
}

impl Counter {
    fn next(&mut self, old: i32) -> i32 {
        self.last += 1;
        self.new_ids.insert(old, self.last);
        self.last
    }
}

impl Schema {
    /// Ids from 1: all fields of a struct first, in their order, then what is nested in them.
    pub fn with_fresh_ids(&self) -> Result<Fresh, Error> {
        let mut counter = Counter { last: 0, new_ids: HashMap::new() };
        let fields = fresh_fields(&self.fields, &mut counter);
        let identifier_field_ids = self
            .identifier_field_ids
            .iter()
            .map(|id| {
                counter.new_ids.get(id).copied().ok_or_else(|| {
                    Error::BadRequest(format!("Cannot add fieldId {id} as an identifier field: field does not exist"))
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Fresh {
            schema: Schema { schema_id: Some(0), identifier_field_ids, fields },
            last_column_id: counter.last,
            new_ids: counter.new_ids,
        })
    }
}

fn fresh_fields(fields: &[Field], counter: &mut Counter) -> Vec<Field> {
    let ids: Vec<i32> = fields.iter().map(|field| counter.next(field.id)).collect();
    fields
        .iter()
        .zip(ids)
        .map(|(field, id)| Field { id, kind: fresh_type(&field.kind, counter), ..field.clone() })
        .collect()
}

fn fresh_type(kind: &Type, counter: &mut Counter) -> Type {
    match kind {
        Type::Primitive(_) | Type::Variant => kind.clone(),
        Type::Struct(fields) => Type::Struct(fresh_fields(fields, counter)),
        Type::List(list) => {
            let element_id = counter.next(list.element_id);
            Type::List(Box::new(List {
                element_id,
                element_required: list.element_required,
                element: fresh_type(&list.element, counter),
            }))
        }
        Type::Map(map) => {
            let key_id = counter.next(map.key_id);
            let value_id = counter.next(map.value_id);
            let key = fresh_type(&map.key, counter);
            let value = fresh_type(&map.value, counter);
            Type::Map(Box::new(Map { key_id, key, value_id, value_required: map.value_required, value }))
        }
    }
}
