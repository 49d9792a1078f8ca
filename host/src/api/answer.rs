//! Answers that carry a metadata document: spliced from stored bytes, tagged, compressed once.

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::authorize::Access;
use super::chunks::Chunks;
use super::documents::{Cached, Snapshots};
use super::vending::FileAccess;
use crate::error::Error;
use crate::store::rows::Tabular;

const VARY_ON: &str = "accept-encoding, authorization, x-iceberg-access-delegation";
/// Below this, the gzip frame costs more than it saves.
const GZIP_FROM_BYTES: u64 = 512;

/// The answer around a document.
pub struct Answer<'a> {
    pub headers: &'a HeaderMap,
    /// `None` for a staged table, which lies nowhere yet.
    pub metadata_location: Option<&'a str>,
    /// The `config` member; left out of commit answers.
    pub config: Option<Value>,
    pub etag: Option<String>,
    /// How the client gets at the files.
    pub access: Option<&'a FileAccess>,
}

impl Answer<'_> {
    /// `{"metadata-location":…,"metadata":<document>,"config":…}` without parsing the document.
    pub fn of(self, cached: &Cached, snapshots: Snapshots) -> Result<Response, Error> {
        let location = serde_json::to_string(&self.metadata_location).map_err(Error::internal)?;
        let head = format!("{{\"metadata-location\":{location},\"metadata\":").into_bytes();
        let tail = match &self.config {
            Some(config) => {
                let access = self.access.map(FileAccess::members).unwrap_or_default();
                format!(",\"config\":{config}{access}}}").into_bytes()
            }
            None => b"}".to_vec(),
        };
        let packed = cached.packed(snapshots);
        let (body, gzip) = if packed.length >= GZIP_FROM_BYTES && accepts_gzip(self.headers) {
            let (before, after) = packed.gzip_frame(&head, &tail);
            (Chunks::body([Bytes::from(before), packed.deflated.clone(), Bytes::from(after)]), true)
        } else {
            (Chunks::body([Bytes::from(head), cached.plain(snapshots)?, Bytes::from(tail)]), false)
        };
        Ok(self.dressed(body, gzip))
    }

    fn dressed(self, body: Body, gzip: bool) -> Response {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        tag(headers, self.etag.as_deref());
        response
    }
}

/// The headers that every tagged answer carries, the 304 too.
fn tag(headers: &mut HeaderMap, etag: Option<&str>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static(VARY_ON));
    if let Some(value) = etag.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(ETAG, value);
    }
}

/// The entity tag of an answer, from the row alone: what it shows and to whom, never its bytes.
///
/// Fields are length-prefixed, so no two different answers share an input.
pub fn etag(row: &Tabular, snapshots: Snapshots, delegation: &str, access: Access) -> String {
    let mut hash = Sha256::new();
    for field in [
        row.warehouse_id.to_string().as_bytes(),
        row.id.to_string().as_bytes(),
        &row.version.to_be_bytes(),
        // After a failover that lost commits a version is given again, a file never is.
        row.metadata_location.as_bytes(),
        &row.warehouse_version.to_be_bytes(),
        format!("{snapshots:?}").as_bytes(),
        delegation.as_bytes(),
        format!("{access:?}").as_bytes(),
    ] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let digest: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digest}\"")
}

/// 304 where `If-None-Match` names the tag (weakly compared, in a list, or as `*`).
pub fn not_modified(headers: &HeaderMap, etag: &str) -> Option<Response> {
    let matches = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.split(',').map(str::trim).any(|tag| tag == "*" || weak(tag) == weak(etag)));
    matches.then(|| {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        tag(response.headers_mut(), Some(etag));
        response
    })
}

fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Whether `Accept-Encoding` names gzip (or `*`) with a weight above nought.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let coding = parts.next().unwrap_or_default();
            let refused = parts.any(|part| {
                part.strip_prefix("q=")
                    .and_then(|weight| weight.parse::<f32>().ok())
                    .is_some_and(|weight| weight <= 0.0)
            });
            (coding.eq_ignore_ascii_case("gzip") || coding == "*") && !refused
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_used_only_where_it_is_accepted() {
        assert!(accepts_gzip(&with(ACCEPT_ENCODING, "deflate, gzip;q=0.5")));
        assert!(accepts_gzip(&with(ACCEPT_ENCODING, "*")));
        assert!(!accepts_gzip(&with(ACCEPT_ENCODING, "gzip;q=0")));
        assert!(!accepts_gzip(&with(ACCEPT_ENCODING, "br")));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn b8_if_none_match_reads_lists_stars_and_weak_tags() {
        let tag = "W/\"abc\"";
        for value in ["W/\"abc\"", "\"abc\"", "\"x\", W/\"abc\"", "*"] {
            assert!(not_modified(&with(IF_NONE_MATCH, value), tag).is_some(), "{value}");
        }
        for value in ["\"x\"", "abc", ""] {
            assert!(not_modified(&with(IF_NONE_MATCH, value), tag).is_none(), "{value}");
        }
    }
}
