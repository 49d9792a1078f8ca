//! Bodies that come in signed chunks.

use axum::http::HeaderMap;
use bytes::{Bytes, BytesMut};

use super::xml::Refusal;

/// The body without the chunks of `aws-chunked`; the signatures of single chunks are not checked.
pub(super) fn unpacked(headers: &HeaderMap, raw: &Bytes) -> Result<Bytes, Refusal> {
    let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !of("x-amz-content-sha256").starts_with("STREAMING-") {
        return Ok(raw.clone());
    }
    let mut rest = raw.clone();
    let mut body = BytesMut::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").ok_or_else(broken)?;
        let head = std::str::from_utf8(&rest[..end]).map_err(|_| broken())?;
        let length = usize::from_str_radix(head.split(';').next().unwrap_or_default(), 16).map_err(|_| broken())?;
        if length == 0 {
            break;
        }
        let from = end + 2;
        if rest.len() < from + length + 2 {
            return Err(broken());
        }
        body.extend_from_slice(&rest[from..from + length]);
        rest = rest.slice(from + length + 2..);
    }
    match of("x-amz-decoded-content-length").parse::<usize>() {
        Ok(length) if length != body.len() => Err(broken()),
        _ => Ok(body.freeze()),
    }
}

fn broken() -> Refusal {
    Refusal::new(400, "IncompleteBody", "the chunks of the body are not complete")
}
