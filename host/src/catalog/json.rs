//! JSON text that is kept as it was written.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;

/// How deep JSON may nest in a request or a stored document.
pub const DEPTH_MAX: usize = 128;

/// A JSON value as its writer spelt it; slices of one document share its memory.
#[derive(Clone)]
pub struct Text {
    whole: Arc<str>,
    start: usize,
    end: usize,
}

impl Text {
    /// `text` must be one JSON value.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let whole = text.into();
        let end = whole.len();
        Self { whole, start: 0, end }
    }

    pub fn of(value: &impl Serialize) -> Result<Self, Error> {
        serde_json::to_string(value).map(Self::new).map_err(Error::internal)
    }

    pub fn as_str(&self) -> &str {
        self.whole.get(self.start..self.end).unwrap_or_default()
    }

    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }

    /// The members of an object in their order; a name that appears twice is an error.
    pub fn members(&self) -> Result<IndexMap<String, Text>, serde_json::Error> {
        let Members(members) = self.read()?;
        Ok(members.into_iter().map(|(name, raw)| (name, self.slice(raw.get()))).collect())
    }

    /// The elements of an array.
    pub fn elements(&self) -> Result<Vec<Text>, serde_json::Error> {
        let elements: Vec<&RawValue> = self.read()?;
        Ok(elements.into_iter().map(|raw| self.slice(raw.get())).collect())
    }

    /// The object with one member put in the place of its namesake or at the end; all others keep their text.
    pub fn with_member(&self, name: &str, value: &Text) -> Result<Self, Error> {
        let mut members = self.members().map_err(Error::bad_request)?;
        members.insert(name.to_owned(), value.clone());
        Ok(Self::new(object(&members)?))
    }

    /// `part` was borrowed from this text: give it back as a slice that shares the memory.
    fn slice(&self, part: &str) -> Self {
        let offset = (part.as_ptr() as usize).checked_sub(self.whole.as_ptr() as usize);
        match offset {
            Some(start) if start + part.len() <= self.whole.len() => {
                Self { whole: self.whole.clone(), start, end: start + part.len() }
            }
            _ => Self::new(part),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    /// Copies the text out, so that what is kept of a request does not keep the request.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self::new(raw.get()))
    }
}

/// The text of an object with these members.
pub fn object<'a>(members: impl IntoIterator<Item = (&'a String, &'a Text)>) -> Result<String, Error> {
    let mut out = String::from("{");
    for (name, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(name).map_err(Error::internal)?);
        out.push(':');
        out.push_str(value.as_str());
    }
    out.push('}');
    Ok(out)
}

/// The text of an array with these elements.
pub fn array<'a>(elements: impl Iterator<Item = &'a Text>) -> Text {
    let mut out = String::from("[");
    for element in elements {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(element.as_str());
    }
    out.push(']');
    Text::new(out)
}

/// Refuses what a lenient reader would accept in two ways: bad UTF-8, trailing bytes, a name twice in one object, and
/// nesting deeper than [`DEPTH_MAX`].
pub fn check(body: &[u8]) -> Result<&str, Error> {
    let text =
        std::str::from_utf8(body).map_err(|error| Error::BadRequest(format!("the body is not UTF-8: {error}")))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Strict
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| Error::BadRequest(format!("the body is not the JSON expected here: {error}")))?;
    Ok(text)
}

/// The borrowed members of an object, each name once.
struct Members<'a>(IndexMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = IndexMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = IndexMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if members.contains_key(&name) {
                        return Err(de::Error::custom(format!("`{name}` appears twice in one object")));
                    }
                    members.insert(name, map.next_value()?);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Each).map(Members)
    }
}

/// Walks a document and keeps nothing but the names of the objects it is inside of.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.contains(&name) {
                return Err(de::Error::custom(format!("`{name}` appears twice in one object")));
            }
            names.insert(name);
            map.next_value_seed(Strict)?;
        }
        Ok(())
    }
}
