//! Schemas out of their JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::{DefaultValue, Field, List, Map, Primitive, Schema, Type};
use crate::catalog::json::Text;
use crate::error::Error;

impl Schema {
    /// Reads the JSON of a schema and checks what holds for every schema: names, ids, identifier fields, defaults.
    pub fn parse(text: &Text) -> Result<Self, Error> {
        let schema: Self =
            text.read().map_err(|error| Error::BadRequest(format!("Cannot parse schema from json: {error}")))?;
        schema.check()?;
        Ok(schema)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Members {
            #[serde(rename = "type")]
            kind: String,
            #[serde(default)]
            schema_id: Option<i32>,
            #[serde(default)]
            identifier_field_ids: Option<Vec<i32>>,
            fields: Vec<Field>,
        }
        let members = Members::deserialize(deserializer)?;
        if members.kind != "struct" {
            return Err(de::Error::custom("a schema's `type` must be `struct`"));
        }
        Ok(Self {
            schema_id: members.schema_id,
            identifier_field_ids: members.identifier_field_ids.unwrap_or_default(),
            fields: members.fields,
        })
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Members {
            id: i32,
            name: String,
            required: bool,
            #[serde(rename = "type")]
            kind: Type,
            #[serde(default)]
            doc: Option<String>,
            #[serde(default)]
            initial_default: Option<DefaultValue>,
            #[serde(default)]
            write_default: Option<DefaultValue>,
        }
        let members = Members::deserialize(deserializer)?;
        Ok(Self {
            id: members.id,
            name: members.name,
            required: members.required,
            kind: members.kind,
            doc: members.doc,
            initial_default: members.initial_default,
            write_default: members.write_default,
        })
    }
}

/// Members of a nested type; which of them must be there depends on `type`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Nested {
    #[serde(rename = "type")]
    kind: String,
    fields: Option<Vec<Field>>,
    element_id: Option<i32>,
    element: Option<Box<Type>>,
    element_required: Option<bool>,
    key_id: Option<i32>,
    key: Option<Box<Type>>,
    value_id: Option<i32>,
    value: Option<Box<Type>>,
    value_required: Option<bool>,
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Type;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a primitive type or the object of a nested one")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Type, E> {
                if text.eq_ignore_ascii_case("variant") {
                    return Ok(Type::Variant);
                }
                Primitive::parse(text).map(Type::Primitive).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Type, A::Error> {
                nested(Nested::deserialize(MapAccessDeserializer::new(map))?)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn nested<E: de::Error>(nested: Nested) -> Result<Type, E> {
    match nested.kind.as_str() {
        "struct" => Ok(Type::Struct(there(nested.fields, "fields")?)),
        "list" => Ok(Type::List(Box::new(List {
            element_id: there(nested.element_id, "element-id")?,
            element_required: there(nested.element_required, "element-required")?,
            element: *there(nested.element, "element")?,
        }))),
        "map" => Ok(Type::Map(Box::new(Map {
            key_id: there(nested.key_id, "key-id")?,
            key: *there(nested.key, "key")?,
            value_id: there(nested.value_id, "value-id")?,
            value_required: there(nested.value_required, "value-required")?,
            value: *there(nested.value, "value")?,
        }))),
        "variant" => Ok(Type::Variant),
        other => Err(E::custom(format!("Cannot parse type from json: `{other}` is neither struct, list nor map"))),
    }
}

fn there<T, E: de::Error>(member: Option<T>, name: &'static str) -> Result<T, E> {
    member.ok_or_else(|| E::missing_field(name))
}
