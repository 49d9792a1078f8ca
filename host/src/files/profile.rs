//! Where a warehouse keeps its files, as the management API says it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::fields::Fields;
use super::s3::S3Profile;
use crate::catalog::location::{Location, Scheme};

/// The storage of one warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum StorageProfile {
    /// A directory of this host, for one machine and for trying things out.
    Local { root: Location },
    /// A bucket, or a part of one.
    S3(Box<S3Profile>),
}

/// One thing that is wrong with a profile or a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A JSON pointer (RFC 6901) into what was sent.
    pub pointer: String,
    pub message: String,
}

impl Problem {
    pub fn at(pointer: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "`{pointer}`: {}", self.message),
        }
    }
}

const KINDS: &str = "`s3` or `local`";

impl StorageProfile {
    /// Every problem at once, or a profile with its root in canonical form.
    pub fn parse(profile: &Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(members) = profile else {
            return Err(vec![Problem::at(
                "",
                "expected an object such as {\"type\": \"local\", \"root\": \"file:///srv/lake\"}",
            )]);
        };
        match members.get("type") {
            Some(Value::String(kind)) if kind == "local" => local(Fields::of(members)),
            Some(Value::String(kind)) if kind == "s3" => {
                S3Profile::parse(Fields::of(members)).map(|profile| Self::S3(Box::new(profile)))
            }
            Some(Value::String(kind)) => {
                Err(vec![Problem::at("/type", format!("storage `{kind}` is not offered, expected {KINDS}"))])
            }
            Some(_) => Err(vec![Problem::at("/type", format!("expected a string, {KINDS}"))]),
            None => Err(vec![Problem::at("/type", format!("missing, expected {KINDS}"))]),
        }
    }

    /// Everything of the warehouse lies inside.
    pub fn root(&self) -> &Location {
        match self {
            Self::Local { root } => root,
            Self::S3(profile) => profile.root(),
        }
    }

    /// The name that clients know the kind by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
            Self::S3(_) => "s3",
        }
    }
}

fn local(mut fields: Fields<'_>) -> Result<StorageProfile, Vec<Problem>> {
    fields.get("type");
    let root = match local_root(fields.get("root")) {
        Ok(root) => Some(root),
        Err(message) => {
            fields.problem("root", message);
            None
        }
    };
    fields.finish("a local profile", || root.map(|root| StorageProfile::Local { root }))
}

fn local_root(root: Option<&Value>) -> Result<Location, String> {
    let Some(root) = root else { return Err("missing, expected e.g. `file:///srv/lake`".to_owned()) };
    let Value::String(text) = root else { return Err("expected a string, e.g. `file:///srv/lake`".to_owned()) };
    let location = Location::parse(text).map_err(|error| error.to_string())?;
    match location.scheme() {
        Scheme::File => Ok(location),
        Scheme::S3 | Scheme::Abfss => {
            Err(format!("a local warehouse lies on this host, found `{location}`, expected `file:///…`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointers(profile: Value) -> Vec<String> {
        let problems = StorageProfile::parse(&profile).unwrap_err();
        problems.into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn a_local_profile_has_its_root_in_canonical_form() {
        let profile = StorageProfile::parse(&json!({"type": "local", "root": "file:/srv/lake/"})).unwrap();
        assert_eq!(profile.root().as_str(), "file:///srv/lake");
        assert_eq!(serde_json::to_value(&profile).unwrap(), json!({"type": "local", "root": "file:///srv/lake"}));
        assert_eq!(StorageProfile::parse(&serde_json::to_value(&profile).unwrap()).unwrap(), profile);
    }

    #[test]
    fn every_problem_of_a_profile_is_told_at_once() {
        assert_eq!(
            pointers(json!({"type": "local", "root": "/srv", "bucket": "b", "a/b": 1})),
            ["/root", "/bucket", "/a~1b"]
        );
        assert_eq!(pointers(json!({"type": "local"})), ["/root"]);
        assert_eq!(pointers(json!({"type": "local", "root": "s3://bucket"})), ["/root"]);
        assert_eq!(pointers(json!({"type": "local", "root": 7})), ["/root"]);
        assert_eq!(pointers(json!({"root": "file:///srv"})), ["/type"]);
        assert_eq!(pointers(json!({"type": "gcs", "bucket": "b"})), ["/type"]);
        assert_eq!(pointers(json!(["local"])), [""]);
    }

    #[test]
    fn an_unknown_kind_of_storage_is_named() {
        let problems = StorageProfile::parse(&json!({"type": "gcs", "bucket": "b"})).unwrap_err();
        assert_eq!(problems[0].to_string(), "`/type`: storage `gcs` is not offered, expected `s3` or `local`");
    }
}
