//! The headers of guests' requests, of the answers to them.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

pub(super) const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 16 << 10;
/// What the transport says about itself; a guest that said it could smuggle a second request into the first.
const OF_THE_TRANSPORT: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "keep-alive",
    "expect",
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
];

/// The guest's headers, or what is wrong with them.
pub(super) fn request(headers: &[(String, Vec<u8>)]) -> Result<HeaderMap, String> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
        return Err(format!("the headers are more than {HEADERS_MAX} or have more than {HEADER_BYTES_MAX} bytes"));
    }
    let mut checked = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has a name that cannot be sent")?;
        if OF_THE_TRANSPORT.contains(&name.as_str()) {
            return Err(format!("the header `{name}` is made by the host"));
        }
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| format!("the header `{name}` has a value that cannot be sent"))?;
        checked.append(name, value);
    }
    Ok(checked)
}

/// The headers of an answer for the guest; `None` where they are too many.
pub(super) fn response(headers: &HeaderMap) -> Option<Vec<(String, Vec<u8>)>> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let told = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_vec());
    (bytes <= HEADER_BYTES_MAX).then(|| headers.iter().map(told).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &[u8]) -> bool {
        request(&[(name.to_owned(), value.to_vec())]).is_err()
    }

    #[test]
    fn t14_headers_that_would_break_the_request_are_refused() {
        for (name, value) in [
            ("x-a\r\nx-b", &b"1"[..]),
            ("x-a", b"1\r\nx-b: 2"),
            ("x-a", b"1\n"),
            ("x-a", b"1\0"),
            ("x-\u{e9}", b"1"),
            ("", b"1"),
            ("Host", b"evil"),
            ("content-length", b"0"),
            ("Transfer-Encoding", b"chunked"),
        ] {
            assert!(refused(name, value), "{name}: {value:?}");
        }
        assert!(!refused("x-plain", "w\u{f6}rter".as_bytes()));
    }

    #[test]
    fn t14_headers_are_bounded_in_number_and_size() {
        assert!(request(&vec![("x-a".to_owned(), vec![b'1']); HEADERS_MAX + 1]).is_err());
        assert!(refused("x-a", &vec![b'1'; HEADER_BYTES_MAX]));
    }
}
