//! One canonical form of a location in storage, or a refusal.

use std::fmt;

use crate::error::Error;

/// A location in storage in its one canonical form, without a trailing slash: `file:///srv/lake/t1`, `s3://bucket/t1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    canonical: String,
}

impl Location {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let canonical = text.trim_end_matches('/');
        if !canonical.contains("://") {
            return Err(Error::BadRequest(format!("`{text}` is not a location: expected e.g. `file:///srv/lake`")));
        }
        Ok(Self { canonical: canonical.to_owned() })
    }

    pub fn as_str(&self) -> &str {
        &self.canonical
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}
