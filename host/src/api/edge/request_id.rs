//! The id that leads from an answer to its log lines.

use axum::http::{HeaderMap, HeaderValue};
use uuid::Uuid;

use super::X_REQUEST_ID;

const LENGTH_MAX: usize = 128;

/// The id of the request that is being answered.
#[derive(Clone, Debug)]
pub struct RequestId(pub(super) HeaderValue);

impl RequestId {
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// The caller's id where it is sane, so that one id runs through all systems; a new one otherwise.
pub(super) fn of(headers: &HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_sane(id.as_bytes()) => id.clone(),
        _ => new(),
    }
}

/// Nothing that could break out of a log line or a shell.
fn is_sane(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=LENGTH_MAX).contains(&id.len()) && id.iter().all(plain)
}

fn new() -> HeaderValue {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text: &str = Uuid::now_v7().as_hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_header(id: &str) -> HeaderValue {
        of(&HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_str(id).unwrap())]))
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(of_header("trace-17/A.b:c"), "trace-17/A.b:c");
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_replaced() {
        for id in ["", "two words", "a\"b", "<script>", &"x".repeat(129)] {
            assert_eq!(of_header(id).len(), 36, "{id}");
        }
    }
}
