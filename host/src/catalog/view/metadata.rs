//! The metadata of a view as a document: unknown members, their order, untouched elements stay as they were written.

use std::fmt::Display;

use indexmap::IndexMap;
use serde::Deserialize;
use uuid::Uuid;

use super::version::{HistoryEntry, Version};
use crate::catalog::json::{self, Text};
use crate::catalog::schema::Schema;
use crate::error::Error;

/// The one format version of views that exists.
pub const FORMAT_VERSION_MAX: i32 = 1;

/// What a view is, with the text it came from.
#[derive(Clone, Debug)]
pub struct ViewMetadata {
    pub(super) members: IndexMap<String, Text>,
    pub(super) uuid: Uuid,
    pub(super) format_version: i32,
    pub(super) location: String,
    pub(super) current_version_id: i32,
    pub(super) versions: Vec<Element<Version>>,
    pub(super) log: Vec<Element<HistoryEntry>>,
    pub(super) schemas: Vec<Element<SchemaHeader>>,
    pub(super) properties: IndexMap<String, String>,
}

/// An element of a list: what the rules read of it beside its text.
#[derive(Clone, Debug)]
pub(super) struct Element<H> {
    pub header: H,
    pub text: Text,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SchemaHeader {
    #[serde(default)]
    pub schema_id: i32,
}

impl ViewMetadata {
    /// Reads the JSON of a metadata file; 400 that names the member which is missing or wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|error| unreadable("it is not UTF-8", error))?;
        let members = Text::new(text).members().map_err(|error| unreadable("it is not a JSON object", error))?;
        let read = Members(members);
        let metadata = Self {
            uuid: read.required("view-uuid")?,
            format_version: read.required("format-version")?,
            location: read.required("location")?,
            current_version_id: read.required("current-version-id")?,
            versions: read.list("versions")?,
            log: read.list("version-log")?,
            schemas: read.list("schemas")?,
            properties: read.optional("properties")?,
            members: read.0,
        };
        metadata.check()?;
        Ok(metadata)
    }

    /// The document; what was not changed is what was read, byte for byte inside each member.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        json::object(&self.members).map(String::into_bytes)
    }

    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    pub fn format_version(&self) -> i32 {
        self.format_version
    }

    pub fn location(&self) -> &str {
        &self.location
    }

    pub fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).map(String::as_str)
    }

    pub fn properties(&self) -> &IndexMap<String, String> {
        &self.properties
    }

    pub fn current_version_id(&self) -> i32 {
        self.current_version_id
    }

    /// The schema of the current version.
    pub(in crate::catalog) fn current_schema(&self) -> Result<Schema, Error> {
        let current = self.version(self.current_version_id).map(|version| version.schema_id);
        let schema = self.schemas.iter().find(|schema| Some(schema.header.schema_id) == current);
        let schema = schema.ok_or_else(|| Error::bad_request("Cannot find the schema of the current view version"))?;
        Schema::parse(&schema.text)
    }

    pub(super) fn version(&self, version_id: i32) -> Option<&Version> {
        self.versions.iter().map(|version| &version.header).find(|version| version.version_id == version_id)
    }

    fn check(&self) -> Result<(), Error> {
        if !(1..=FORMAT_VERSION_MAX).contains(&self.format_version) {
            return Err(Error::BadRequest(format!("Unsupported format version: {}", self.format_version)));
        }
        let Some(current) = self.version(self.current_version_id) else {
            let known: Vec<i32> = self.versions.iter().map(|version| version.header.version_id).collect();
            return Err(Error::BadRequest(format!(
                "Cannot find current version {} in view versions: {known:?}",
                self.current_version_id
            )));
        };
        if !self.schemas.iter().any(|schema| schema.header.schema_id == current.schema_id) {
            return Err(Error::BadRequest(format!(
                "Cannot find schema {} of the current version {} in view schemas",
                current.schema_id, current.version_id
            )));
        }
        Ok(())
    }
}

/// The members of the document while they are read.
struct Members(IndexMap<String, Text>);

impl Members {
    fn required<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<T, Error> {
        let text = self.0.get(name).ok_or_else(|| Error::BadRequest(format!("view metadata has no `{name}`")))?;
        text.read().map_err(|error| unreadable(&format!("`{name}` is wrong"), error))
    }

    fn optional<T: for<'a> Deserialize<'a> + Default>(&self, name: &str) -> Result<T, Error> {
        match self.0.contains_key(name) {
            true => Ok(self.required::<Option<T>>(name)?.unwrap_or_default()),
            false => Ok(T::default()),
        }
    }

    fn list<H: for<'a> Deserialize<'a>>(&self, name: &str) -> Result<Vec<Element<H>>, Error> {
        let text = self.0.get(name).ok_or_else(|| Error::BadRequest(format!("view metadata has no `{name}`")))?;
        let wrong = |error| unreadable(&format!("`{name}` is wrong"), error);
        let elements = text.elements().map_err(wrong)?;
        elements.into_iter().map(|text| Ok(Element { header: text.read().map_err(wrong)?, text })).collect()
    }
}

fn unreadable(what: &str, error: impl Display) -> Error {
    Error::BadRequest(format!("Cannot parse view metadata: {what}: {error}"))
}
