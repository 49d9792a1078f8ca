//! How the things of the catalog are called in OpenFGA: `table:<id>`, `user:<id>`, `role:<id>#assignee`.

use std::fmt::Write as _;

use weir_plugin::{Fault, Object, Parent, Place, Principal};

use crate::tuples::Tuple;

/// There is one server, whatever its id.
pub const SERVER: &str = "server:weir";
/// The server takes 256 bytes for an object.
const ID_BYTES_MAX: usize = 240;
/// What is not there has no id. Nothing is granted on it, but it inherits, so that asking takes as long as ever.
const ABSENT: &str = "absent";

/// An id in the letters that OpenFGA takes; others are percent-encoded, `*` too, which would mean everybody.
pub fn escaped(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'@' | b'+' | b'/' | b'|' => {
                escaped.push(byte.into());
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

/// The id again.
pub fn plain(escaped: &str) -> String {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = (first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn named(kind: &str, id: &str) -> Result<String, Fault> {
    let id = escaped(id);
    if id.len() > ID_BYTES_MAX {
        return Err(Fault::invalid("id_too_long", format!("the id of a {kind} has more than {ID_BYTES_MAX} bytes")));
    }
    Ok(format!("{kind}:{id}"))
}

/// The caller. Somebody who acts as a role is that role, not its member.
pub fn subject(principal: &Principal) -> Result<String, Fault> {
    match principal.kind.as_str() {
        "role" => Ok(format!("{}#assignee", named("role", &principal.id)?)),
        _ => named("user", &principal.id),
    }
}

/// A grantee as the catalog writes it, `user:<id>` or `role:<id>`.
pub fn grantee(principal: &str) -> Result<String, Fault> {
    match principal.split_once(':') {
        Some(("user", id)) if !id.is_empty() => named("user", id),
        Some(("role", id)) if !id.is_empty() => Ok(format!("{}#assignee", named("role", id)?)),
        _ => Err(Fault::invalid("no_such_principal", format!("`{principal}` is neither `user:<id>` nor `role:<id>`"))),
    }
}

/// A grantee as the catalog writes it, of one as OpenFGA does; `None` for what the catalog never wrote.
pub fn principal(user: &str) -> Option<String> {
    let (kind, id) = user.split_once(':')?;
    match (kind, id.split_once('#')) {
        ("user", None) => Some(format!("user:{}", plain(id))),
        ("role", Some((id, "assignee"))) => Some(format!("role:{}", plain(id))),
        _ => None,
    }
}

pub fn role(id: &str) -> Result<String, Fault> {
    named("role", id)
}

/// An object; one that is not there has a name of its own.
pub fn object(object: &Object) -> Result<String, Fault> {
    match (object.kind.as_str(), object.id.as_str()) {
        ("server", _) => Ok(SERVER.to_string()),
        (kind, "") => Ok(format!("{kind}:{ABSENT}")),
        (kind, id) => named(kind, id),
    }
}

/// The catalog's `<kind>/<id>` of a stored object, also of one that only has a trail.
pub fn stored(object: &str) -> Option<String> {
    let (kind, id) = match object.strip_prefix("trail:") {
        Some(trail) => trail.split_once('/')?,
        None => object.split_once(':')?,
    };
    ["project", "warehouse", "namespace", "table", "view"].contains(&kind).then(|| format!("{kind}/{}", plain(id)))
}

/// Everything above an object, from the server down.
pub fn above(of: &Object) -> Result<Vec<String>, Fault> {
    path(&of.kind, &of.project, of.warehouse.as_ref(), &of.namespace)
}

/// A place with everything above it, from the server down: the last is the place itself.
pub fn within(place: &Place) -> Result<Vec<String>, Fault> {
    path("table", &place.project, place.warehouse.as_ref(), &place.namespace)
}

fn path(kind: &str, project: &Parent, warehouse: Option<&Parent>, spaces: &[Parent]) -> Result<Vec<String>, Fault> {
    if kind == "server" {
        return Ok(Vec::new());
    }
    let mut path = vec![SERVER.to_string()];
    if !project.id.is_empty() {
        path.push(named("project", &project.id)?);
    }
    if let Some(warehouse) = warehouse {
        path.push(named("warehouse", &warehouse.id)?);
    }
    for space in spaces {
        path.push(named("namespace", &space.id)?);
    }
    Ok(path)
}

/// The tuples that say what lies in what.
pub fn hierarchy(above: &[String], object: &str) -> Vec<Tuple> {
    let below = above.iter().skip(1).map(String::as_str).chain((!above.is_empty()).then_some(object));
    above.iter().zip(below).map(|(parent, child)| Tuple::new(parent, "parent", child)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_can_mean_everybody_or_another_kind() {
        for id in ["*", "a b", "x#assignee", "user:eve", "é", "50%", ""] {
            let escaped = escaped(id);
            assert!(!escaped.contains(['*', ' ', '#', ':']), "{escaped}");
            assert_eq!(plain(&escaped), id);
        }
    }

    #[test]
    fn the_hierarchy_goes_from_the_server_to_the_object() {
        let table = weir_plugin::testing::object("table", "a.b.t");
        let above = above(&table).unwrap();
        let tuples = hierarchy(&above, &object(&table).unwrap());
        let said: Vec<String> = tuples.iter().map(|tuple| format!("{} > {}", tuple.user, tuple.object)).collect();
        assert_eq!(
            said,
            [
                "server:weir > project:project%3Adefault",
                "project:project%3Adefault > warehouse:warehouse%3Alake",
                "warehouse:warehouse%3Alake > namespace:namespace%3Aa",
                "namespace:namespace%3Aa > namespace:namespace%3Aa.b",
                "namespace:namespace%3Aa.b > table:table%3Aa.b.t",
            ]
        );
    }

    #[test]
    fn a_grantee_comes_back_as_it_went() {
        for principal in ["user:oidc/alice", "role:0191", "user:a|b c"] {
            assert_eq!(super::principal(&grantee(principal).unwrap()).unwrap(), principal);
        }
        assert!(grantee("user:").is_err() && grantee("eve").is_err() && grantee("user").is_err());
    }
}
