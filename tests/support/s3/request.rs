//! A request as the server reads it: bucket, key, query, the body without its packaging.

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;

use super::body;
use super::xml::Refusal;

/// What a test can look at afterwards.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    pub bucket: String,
    pub key: String,
    pub query: String,
    pub access_key_id: String,
    pub status: u16,
}

#[derive(Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// As it was sent, percent-encoded.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    raw_query: String,
    pub(super) headers: HeaderMap,
    pub(super) bucket: String,
    pub(super) key: String,
    /// As it was sent, for its signature.
    pub(super) raw_body: Bytes,
    /// What is to be stored.
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) async fn read(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let raw_body = body.collect().await.map_err(|_| Refusal::bad("the body broke off"))?.to_bytes();
        let path = parts.uri.path().to_owned();
        let raw_query = parts.uri.query().unwrap_or_default().to_owned();
        let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
        let (bucket, key) = place(&host, &path)?;
        let body = body::unpacked(&parts.headers, &raw_body)?;
        let query = pairs(&raw_query)?;
        Ok(Self { method: parts.method, path, query, raw_query, headers: parts.headers, bucket, key, raw_body, body })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A form that is posted to the server itself.
    pub(super) fn is_sts(&self) -> bool {
        self.method == Method::POST && self.bucket.is_empty() && self.key.is_empty()
    }

    pub(super) fn access_key_id(&self) -> Option<String> {
        let credential = match self.header("authorization") {
            Some(header) => header.split_once("Credential=")?.1.split(',').next()?.to_owned(),
            None => self.parameter("X-Amz-Credential")?.to_owned(),
        };
        credential.split('/').next().map(str::to_owned)
    }

    /// As a storage stores it whose memory flips a bit of each byte.
    pub(super) fn with_other_bytes(&self) -> Self {
        let mut other = self.clone();
        other.headers.remove("x-amz-checksum-crc32");
        other.body = other.body.iter().map(|byte| byte ^ 1).collect();
        other
    }

    pub(super) fn recorded(&self, status: u16) -> Recorded {
        Recorded {
            method: self.method.to_string(),
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            query: self.raw_query.clone(),
            access_key_id: self.access_key_id().unwrap_or_default(),
            status,
        }
    }
}

/// `/bucket/key`, or `bucket.` before the host's name.
fn place(host: &str, path: &str) -> Result<(String, String), Refusal> {
    let path = decoded(path.strip_prefix('/').unwrap_or(path))?;
    let name = host.split(':').next().unwrap_or_default();
    let is_address = name.parse::<std::net::IpAddr>().is_ok() || name == "localhost";
    match name.split_once('.') {
        Some((bucket, _)) if !is_address => Ok((bucket.to_owned(), path)),
        _ => {
            let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
            Ok((bucket.to_owned(), key.to_owned()))
        }
    }
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decoded(key)?, decoded(value)?))
    };
    parts.map(pair).collect()
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| Refusal::bad("the URI is no UTF-8"))
}
