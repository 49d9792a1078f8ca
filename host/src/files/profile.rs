//! Where a warehouse keeps its files, as the management API says it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::location::{Location, Scheme};

/// The storage of one warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum StorageProfile {
    /// A directory of this host, for one machine and for trying things out.
    Local { root: Location },
}

/// One thing that is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// A JSON pointer (RFC 6901) into the profile.
    pub pointer: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(f, "storage profile: {}", self.message),
            pointer => write!(f, "storage profile, `{pointer}`: {}", self.message),
        }
    }
}

impl StorageProfile {
    /// Every problem at once, or a profile with its root in canonical form.
    pub fn parse(profile: &Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(members) = profile else {
            return Err(vec![problem(
                "",
                "expected an object such as {\"type\": \"local\", \"root\": \"file:///srv/lake\"}",
            )]);
        };
        match members.get("type") {
            Some(Value::String(kind)) if kind == "local" => {}
            Some(Value::String(kind)) => {
                return Err(vec![problem("/type", format!("storage `{kind}` is not offered, expected `local`"))]);
            }
            Some(_) => return Err(vec![problem("/type", "expected a string, e.g. `local`")]),
            None => return Err(vec![problem("/type", "missing, expected `local`")]),
        }
        let mut problems: Vec<Problem> = members
            .keys()
            .filter(|key| !matches!(key.as_str(), "type" | "root"))
            .map(|key| problem(&format!("/{}", escaped(key)), "unknown, a local profile has `type` and `root`"))
            .collect();
        let root = match local_root(members.get("root")) {
            Ok(root) => root,
            Err(message) => {
                problems.push(problem("/root", message));
                return Err(problems);
            }
        };
        if problems.is_empty() { Ok(Self::Local { root }) } else { Err(problems) }
    }

    /// Everything of the warehouse lies inside.
    pub fn root(&self) -> &Location {
        match self {
            Self::Local { root } => root,
        }
    }

    /// The name that clients know the kind by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local { .. } => "local",
        }
    }
}

fn local_root(root: Option<&Value>) -> Result<Location, String> {
    let Some(root) = root else { return Err("missing, expected e.g. `file:///srv/lake`".to_owned()) };
    let Value::String(text) = root else { return Err("expected a string, e.g. `file:///srv/lake`".to_owned()) };
    let location = Location::parse(text).map_err(|error| error.to_string())?;
    match location.scheme() {
        Scheme::File => Ok(location),
        Scheme::S3 => Err(format!("a local warehouse lies on this host, found `{location}`, expected `file:///…`")),
    }
}

fn problem(pointer: &str, message: impl Into<String>) -> Problem {
    Problem { pointer: pointer.to_owned(), message: message.into() }
}

/// `~` and `/` as RFC 6901 wants them.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
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
        assert_eq!(serde_json::from_value::<StorageProfile>(serde_json::to_value(&profile).unwrap()).unwrap(), profile);
    }

    #[test]
    fn every_problem_of_a_profile_is_told_at_once() {
        assert_eq!(
            pointers(json!({"type": "local", "root": "/srv", "bucket": "b", "a/b": 1})),
            ["/bucket", "/a~1b", "/root"]
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
        let problems = StorageProfile::parse(&json!({"type": "s3", "bucket": "b"})).unwrap_err();
        assert_eq!(problems[0].to_string(), "storage profile, `/type`: storage `s3` is not offered, expected `local`");
    }
}
