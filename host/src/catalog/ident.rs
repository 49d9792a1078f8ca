//! Names of namespaces, tables and views: case-sensitive, bytewise identity, any depth.

use std::fmt;

use crate::error::Error;

/// The unit separator that joins the parts of a namespace in paths and in the store.
pub const SEPARATOR: char = '\u{1F}';

/// A namespace's path of one or more parts, e.g. `["accounting", "tax"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace {
    parts: Vec<String>,
}

/// What a namespace's parts may be; the first parts that are reserved are the operator's to extend.
impl Namespace {
    pub const DEPTH_MAX: usize = 32;
    pub const PART_BYTES_MAX: usize = 255;

    /// The path as it is to be created or looked up. 400 where no such namespace can ever exist.
    pub fn parse(parts: Vec<String>) -> Result<Self, Error> {
        if parts.is_empty() {
            return Err(Error::bad_request("a namespace needs at least one part, found none"));
        }
        if parts.len() > Self::DEPTH_MAX {
            return Err(Error::bad_request(format!(
                "a namespace has at most {} parts, found {}",
                Self::DEPTH_MAX,
                parts.len()
            )));
        }
        for part in &parts {
            check_name("namespace part", part)?;
        }
        Ok(Self { parts })
    }

    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    pub fn parent(&self) -> Option<Self> {
        match self.parts.as_slice() {
            [] | [_] => None,
            [above @ .., _] => Some(Self { parts: above.to_vec() }),
        }
    }

    /// The stored form: the parts joined with [`SEPARATOR`], unique inside a warehouse.
    pub fn key(&self) -> String {
        self.parts.join("\u{1F}")
    }

    /// Reads back what [`Namespace::key`] gave; only for what the store holds.
    pub fn from_key(key: &str) -> Self {
        Self { parts: key.split(SEPARATOR).map(str::to_owned).collect() }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

/// The name of a table or a view.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableIdent {
    pub namespace: Namespace,
    pub name: String,
}

impl TableIdent {
    pub fn parse(namespace: Namespace, name: String) -> Result<Self, Error> {
        check_name("name", &name)?;
        Ok(Self { namespace, name })
    }
}

impl fmt::Display for TableIdent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.namespace, self.name)
    }
}

/// One part of a name: dots, spaces and any script are legal; empty, NUL, the separator and more than 255 bytes are not.
fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::BadRequest(format!("a {what} must not be empty")));
    }
    if name.len() > Namespace::PART_BYTES_MAX {
        return Err(Error::BadRequest(format!(
            "a {what} has at most {} bytes, found {}",
            Namespace::PART_BYTES_MAX,
            name.len()
        )));
    }
    if name.contains(['\0', SEPARATOR]) {
        return Err(Error::BadRequest(format!("a {what} must not contain NUL or 0x1F, found {name:?}")));
    }
    Ok(())
}
