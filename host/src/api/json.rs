//! JSON bodies, read strictly: one value, bounded depth, no key twice, nothing behind it.

use serde::de::DeserializeOwned;

use crate::catalog::json::check;
use crate::error::Error;

/// Reads a body into its type, or says what is wrong with it.
///
/// What serde_json would let pass inside maps and raw values, a key that comes twice, is refused first, because two readers
/// of such a body may not agree.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let text = check(body)?;
    serde_json::from_str(text).map_err(|problem| Error::BadRequest(format!("the body is not as expected: {problem}")))
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
        assert!(refusal(br#"{"a":1,"a":2}"#).contains("twice"));
        assert!(refusal(br#"{"a":{"b":[{"c":1,"c":1}]}}"#).contains("`c`"));
        assert!(refusal(&[b"[".repeat(10_000), b"]".repeat(10_000)].concat()).contains("recursion limit"));
        assert!(refusal(b"{} x").contains("trailing"));
        assert!(refusal(b"\xef\xbb\xbf{}").contains("expected value"));
        assert!(refusal(b"{\"a\":\"\xff\"}").contains("UTF-8"));
        assert!(refusal(b"{\"a\":1e400}").contains("out of range"));
        assert!(
            refusal(br#"{"a":"\ud800"}"#).contains("surrogate") || refusal(br#"{"a":"\ud800"}"#).contains("hex escape")
        );
        assert!(refusal(b"").contains("EOF"));
    }

    #[test]
    fn ordinary_json_passes() {
        let value: Value = parse(br#"{"a":[1,2.5,null,true,"x"],"b":{"a":1}}"#).unwrap();
        assert_eq!(value["b"]["a"], 1);
    }
}
