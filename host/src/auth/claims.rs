//! What a token says, read strictly: three parts, each key once, times that are numbers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Longer tokens are not looked at.
pub(super) const TOKEN_BYTES_MAX: usize = 16 << 10;
/// Longer subjects, roles or key ids are refused.
pub(super) const NAME_BYTES_MAX: usize = 512;
/// More roles than this are refused: they travel with every question to an authorizer.
pub(super) const ROLES_MAX: usize = 500;

/// The claims of a token whose signature nobody has looked at yet.
pub(super) fn unverified(token: &str) -> Result<Map<String, Value>, String> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(format!("it has {} bytes, at most {TOKEN_BYTES_MAX} are looked at", token.len()));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let &[_, payload, _] = parts.as_slice() else { return Err("it is no signed JWT".to_owned()) };
    let bytes = URL_SAFE_NO_PAD.decode(payload).map_err(|_| "its claims are not base64url")?;
    let Claims(claims) = serde_json::from_slice(&bytes).map_err(|error| format!("its claims: {error}"))?;
    Ok(claims)
}

/// JSON lets the last of two equal keys win, so two readers could see two subjects in one token.
struct Claims(Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;
        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if claims.contains_key(&key) {
                        return Err(A::Error::custom(format_args!("`{key}` comes twice")));
                    }
                    claims.insert(key, value);
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Once)
    }
}

/// A NumericDate in milliseconds; `None` where it is not there, an error where it is something else.
pub(super) fn time_ms(claims: &Map<String, Value>, key: &str) -> Result<Option<i64>, String> {
    let Some(value) = claims.get(key) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite() && (0.0..1e12).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("`{key}` is no time"))?;
    Ok(Some((seconds * 1_000.0) as i64))
}

/// The first of the claims that the token has, as text. One that is there but is no proper name ends the search: the next
/// claim would name somebody else.
pub(super) fn subject(claims: &Map<String, Value>, keys: &[String]) -> Result<String, String> {
    let Some((key, value)) = keys.iter().find_map(|key| at(claims, key).map(|value| (key, value))) else {
        return Err(format!("it names no subject: none of {} is there", keys.join(", ")));
    };
    let subject = value.as_str().filter(|subject| is_name(subject));
    subject.map(str::to_owned).ok_or_else(|| format!("`{key}` is no subject: 1 to {NAME_BYTES_MAX} plain bytes are"))
}

/// The roles or groups that the claims list: a list of texts, or one text.
pub(super) fn roles(claims: &Map<String, Value>, paths: &[String]) -> Result<Vec<String>, String> {
    let mut roles: Vec<String> = Vec::new();
    for path in paths {
        let found: Vec<&Value> = match at(claims, path) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        for role in found {
            let role = role.as_str().filter(|role| is_name(role));
            let role =
                role.ok_or_else(|| format!("`{path}` holds what is no role: 1 to {NAME_BYTES_MAX} plain bytes are"))?;
            if !roles.iter().any(|known| known == role) {
                roles.push(role.to_owned());
            }
        }
    }
    if roles.len() > ROLES_MAX {
        return Err(format!(
            "it names {} roles, at most {ROLES_MAX} are taken; let the issuer name fewer",
            roles.len()
        ));
    }
    Ok(roles)
}

/// The text of a claim, where it is one.
pub(super) fn text(claims: &Map<String, Value>, key: &str) -> Option<String> {
    claims.get(key).and_then(Value::as_str).filter(|text| is_name(text)).map(str::to_owned)
}

/// A claim by its path. A claim of the whole name comes first: URLs as names have dots in them.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut steps = path.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(claims: &str) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn s2_a_claim_that_comes_twice_is_refused() {
        assert!(unverified(&token(r#"{"sub":"alice","sub":"root"}"#)).is_err());
        assert!(unverified(&token(r#"{"sub":"alice"}"#)).is_ok());
        assert!(unverified(&token(r#"["sub"]"#)).is_err());
        assert!(unverified("a.b").is_err() && unverified("a.b.c.d").is_err());
    }

    #[test]
    fn s2_a_time_that_is_no_number_is_refused_not_absent() {
        let claims = map(json!({"exp": "soon", "nbf": 1.5, "iat": -1}));
        assert!(time_ms(&claims, "exp").is_err() && time_ms(&claims, "iat").is_err());
        assert_eq!(time_ms(&claims, "nbf"), Ok(Some(1_500)));
        assert_eq!(time_ms(&claims, "auth_time"), Ok(None));
    }

    #[test]
    fn roles_come_from_paths_and_from_names_with_dots() {
        let claims =
            map(json!({"realm_access": {"roles": ["a", "b"]}, "https://x.example/groups": ["b", "c"], "one": "d"}));
        let paths = ["realm_access.roles", "https://x.example/groups", "one", "none"].map(str::to_owned);
        assert_eq!(roles(&claims, &paths).unwrap(), ["a", "b", "c", "d"]);
        assert!(roles(&map(json!({"g": [1]})), &["g".to_owned()]).is_err());
    }

    #[test]
    fn the_first_subject_claim_counts_even_where_it_is_no_name() {
        let keys = ["oid", "sub"].map(str::to_owned);
        assert_eq!(subject(&map(json!({"sub": "s"})), &keys).unwrap(), "s");
        assert_eq!(subject(&map(json!({"oid": "o", "sub": "s"})), &keys).unwrap(), "o");
        assert!(subject(&map(json!({"oid": "", "sub": "s"})), &keys).is_err());
        assert!(subject(&map(json!({})), &keys).is_err());
    }
}
