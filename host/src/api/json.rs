//! JSON bodies, read strictly: one value, bounded depth, no key twice, nothing behind it.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Error;

/// Reads a body into its type, or says what is wrong with it.
///
/// serde_json bounds the depth at 128 and refuses trailing bytes and invalid UTF-8; what it lets pass inside maps and
/// raw values, a key that comes twice, is refused here, because the two readers of such a body may not agree.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    check(body)?;
    serde_json::from_slice(body).map_err(|problem| Error::BadRequest(format!("the body is not as expected: {problem}")))
}

/// Refuses whatever no reader should be asked to understand.
fn check(body: &[u8]) -> Result<(), Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    Strict
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|problem| Error::BadRequest(format!("the body is not valid JSON: {problem}")))
}

/// Walks a value of any shape.
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
        f.write_str("a JSON value")
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

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Strict)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen: HashSet<String> = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(serde::de::Error::custom(format_args!("the key `{key}` comes twice")));
            }
            seen.insert(key);
            members.next_value_seed(Strict)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn refusal(body: &[u8]) -> String {
        parse::<Value>(body).unwrap_err().to_string()
    }

    #[test]
    fn b3_hostile_json_is_refused_with_its_reason() {
        assert!(refusal(br#"{"a":1,"a":2}"#).contains("`a` comes twice"));
        assert!(refusal(br#"{"a":{"b":[{"c":1,"c":1}]}}"#).contains("`c` comes twice"));
        assert!(refusal(&[b"[".repeat(10_000), b"]".repeat(10_000)].concat()).contains("recursion limit"));
        assert!(refusal(b"{} x").contains("trailing"));
        assert!(refusal(b"\xef\xbb\xbf{}").contains("not valid JSON"));
        assert!(refusal(b"{\"a\":\"\xff\"}").contains("not valid JSON"));
        assert!(refusal(b"{\"a\":1e400}").contains("out of range"));
        assert!(refusal(br#"{"a":"\ud800"}"#).contains("not valid JSON"));
        assert!(refusal(b"").contains("not valid JSON"));
    }

    #[test]
    fn ordinary_json_passes() {
        let value: Value = parse(br#"{"a":[1,2.5,null,true,"x"],"b":{"a":1}}"#).unwrap();
        assert_eq!(value["b"]["a"], 1);
    }
}
