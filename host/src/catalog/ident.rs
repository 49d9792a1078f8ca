//! Names of namespaces, of tables, of views: case-sensitive, bytewise identity, any depth.

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
    /// What an index entry of either engine holds with room to spare; 255 bytes in every one of 32 parts would not fit.
    pub const KEY_BYTES_MAX: usize = 2_048;

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
        let key_bytes = parts.iter().map(String::len).sum::<usize>() + parts.len() - 1;
        if key_bytes > Self::KEY_BYTES_MAX {
            return Err(Error::bad_request(format!(
                "the parts of a namespace have at most {} bytes together, found {key_bytes}",
                Self::KEY_BYTES_MAX
            )));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn namespace(parts: &[&str]) -> Result<Namespace, Error> {
        Namespace::parse(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    #[test]
    fn b4_any_script_dots_and_spaces_are_names() {
        for part in ["a.b", "a b", "a/b", "..", "%1F", "İi", "\u{202e}x", "👩\u{200d}👩", " ", "+"] {
            let parsed = namespace(&["top", part]).unwrap();
            assert_eq!(parsed.name(), part);
            assert_eq!(Namespace::from_key(&parsed.key()), parsed);
        }
    }

    #[test]
    fn b4_what_no_namespace_can_be_called_is_refused() {
        let long = "x".repeat(256);
        for part in ["", "a\0b", "a\u{1f}b", long.as_str()] {
            assert!(matches!(namespace(&["top", part]), Err(Error::BadRequest(_))), "{part:?}");
            let ident = TableIdent::parse(namespace(&["top"]).unwrap(), part.to_owned());
            assert!(matches!(ident, Err(Error::BadRequest(_))), "{part:?}");
        }
        assert!(namespace(&[]).is_err());
        assert!(namespace(&["a"; 1_000]).is_err());
        assert!(namespace(&["x".repeat(255).as_str(); 9]).is_err());
    }

    #[test]
    fn b4_composed_and_decomposed_names_are_two_names() {
        assert_ne!(namespace(&["caf\u{e9}"]).unwrap(), namespace(&["cafe\u{301}"]).unwrap());
        assert_ne!(namespace(&["A"]).unwrap(), namespace(&["a"]).unwrap());
    }

    #[test]
    fn the_parent_of_a_top_namespace_is_none() {
        assert_eq!(namespace(&["a", "b"]).unwrap().parent(), Some(namespace(&["a"]).unwrap()));
        assert_eq!(namespace(&["a"]).unwrap().parent(), None);
    }

    proptest! {
        #[test]
        fn b4_the_stored_key_gives_the_namespace_back(parts in proptest::collection::vec("\\PC{1,12}", 1..5)) {
            if let Ok(parsed) = Namespace::parse(parts) {
                prop_assert_eq!(Namespace::from_key(&parsed.key()), parsed);
            }
        }
    }
}
