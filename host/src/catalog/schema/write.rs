//! Schemas into the JSON that the Java library writes.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Field, Schema, Type};

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "struct")?;
        if let Some(schema_id) = self.schema_id {
            map.serialize_entry("schema-id", &schema_id)?;
        }
        if !self.identifier_field_ids.is_empty() {
            map.serialize_entry("identifier-field-ids", &self.identifier_field_ids)?;
        }
        map.serialize_entry("fields", &self.fields)?;
        map.end()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("required", &self.required)?;
        map.serialize_entry("type", &self.kind)?;
        if let Some(doc) = &self.doc {
            map.serialize_entry("doc", doc)?;
        }
        if let Some(value) = &self.initial_default {
            map.serialize_entry("initial-default", value)?;
        }
        if let Some(value) = &self.write_default {
            map.serialize_entry("write-default", value)?;
        }
        map.end()
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if matches!(self, Self::Primitive(_) | Self::Variant) {
            return serializer.collect_str(self);
        }
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Primitive(_) | Self::Variant => {}
            Self::Struct(fields) => {
                map.serialize_entry("type", "struct")?;
                map.serialize_entry("fields", fields)?;
            }
            Self::List(list) => {
                map.serialize_entry("type", "list")?;
                map.serialize_entry("element-id", &list.element_id)?;
                map.serialize_entry("element", &list.element)?;
                map.serialize_entry("element-required", &list.element_required)?;
            }
            Self::Map(entries) => {
                map.serialize_entry("type", "map")?;
                map.serialize_entry("key-id", &entries.key_id)?;
                map.serialize_entry("key", &entries.key)?;
                map.serialize_entry("value-id", &entries.value_id)?;
                map.serialize_entry("value", &entries.value)?;
                map.serialize_entry("value-required", &entries.value_required)?;
            }
        }
        map.end()
    }
}
