//! AWS Signature Version 4, header form.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;

use super::secrets::hmac_sha256;

/// Unreserved characters stay as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What stands in the place of a hash: no word on the body, or only on the checksum that follows it.
const UNSIGNED: [&str; 2] = ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"];

/// A key pair, spelled as AWS tools print it (`credential_process`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Key {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
}

impl Key {
    pub(super) fn parse(secret: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(secret).map_err(|_| {
            "the secret is no AWS key: it has to be {\"AccessKeyId\": …, \"SecretAccessKey\": …, \"SessionToken\": …}".into()
        })
    }
}

/// What is to be signed.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) headers: &'a [(String, String)],
    pub(super) payload_sha256: &'a str,
}

/// The headers that the request needs besides its own.
pub(super) fn sign(key: &Key, request: &Request<'_>, now_ms: u64) -> Result<Vec<(String, String)>, String> {
    let url = Url::parse(request.uri).map_err(|error| format!("the URI is not absolute: {error}"))?;
    let host = host(&url).ok_or("the URI names no host")?;
    refuse_odd(request)?;
    let (date, date_time) = dates(now_ms)?;
    let mut added = vec![
        ("x-amz-content-sha256".to_owned(), request.payload_sha256.to_owned()),
        ("x-amz-date".to_owned(), date_time.clone()),
    ];
    added.extend(key.session_token.iter().map(|token| ("x-amz-security-token".to_owned(), token.clone())));
    let mut headers: BTreeMap<String, String> = request.headers.iter().map(canonical_header).collect();
    headers.insert("host".to_owned(), host);
    headers.extend(added.iter().cloned());
    let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        request.method,
        canonical_path(&url, request.service),
        canonical_query(&url),
        request.payload_sha256
    );
    let scope = format!("{date}/{}/{}/aws4_request", request.region, request.service);
    let to_sign = format!("{ALGORITHM}\n{date_time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let signature = hex(&hmac_sha256(&signing_key(key, &date, request)?, to_sign.as_bytes())?);
    let credential = format!("{}/{scope}", key.access_key_id);
    let authorization = format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
    added.push(("authorization".to_owned(), authorization));
    Ok(added)
}

/// What could say something else in the text that is signed than in the request.
fn refuse_odd(request: &Request<'_>) -> Result<(), String> {
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !word(request.method) || !word(request.region) || !word(request.service) {
        return Err("method, region, service are single words".to_owned());
    }
    let hash = request.payload_sha256;
    let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash && !UNSIGNED.contains(&hash) {
        return Err(format!("payload-sha256 is 64 hex digits, {}", UNSIGNED.join(" or ")));
    }
    let token = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    for (name, value) in request.headers {
        if !token(name) || value.contains(|c: char| c.is_control() && c != '\t') {
            return Err("a header has a name or a value that cannot be sent".to_owned());
        }
        if name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("authorization") {
            return Err(format!("the header `{name}` is made by the host"));
        }
    }
    Ok(())
}

fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or(host.to_owned(), |port| format!("{host}:{port}")))
}

fn dates(now_ms: u64) -> Result<(String, String), String> {
    let seconds = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
    let no_date = |_| "the clock of the host is out of range".to_owned();
    let now = OffsetDateTime::from_unix_timestamp(seconds).map_err(no_date)?;
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let date_time = now.format(format).map_err(|error| error.to_string())?;
    Ok((date_time[..8].to_owned(), date_time))
}

fn canonical_header((name, value): &(String, String)) -> (String, String) {
    (name.to_ascii_lowercase(), value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

/// S3 signs the path as it is sent; every other service encodes it once more.
fn canonical_path(url: &Url, service: &str) -> String {
    let encode = |part: &str| utf8_percent_encode(part, ENCODED).to_string();
    let once = |part: &str| encode(&percent_decode_str(part).decode_utf8_lossy());
    let parts = url.path().split('/').map(once);
    let parts: Vec<String> = if service == "s3" { parts.collect() } else { parts.map(|part| encode(&part)).collect() };
    parts.join("/")
}

fn canonical_query(url: &Url) -> String {
    let raw = url.query().unwrap_or_default();
    let encode = |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), ENCODED).to_string();
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn signing_key(key: &Key, date: &str, request: &Request<'_>) -> Result<Vec<u8>, String> {
    let start = format!("AWS4{}", key.secret_access_key).into_bytes();
    [date, request.region, request.service, "aws4_request"]
        .iter()
        .try_fold(start, |key, part| hmac_sha256(&key, part.as_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    /// 2013-05-24T00:00:00Z, of the examples in Amazon's documentation.
    const MAY_24: u64 = 1_369_353_600_000;

    fn key() -> Key {
        let key =
            r#"{"AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}"#;
        Key::parse(key.as_bytes()).unwrap()
    }

    fn request<'a>(uri: &'a str, headers: &'a [(String, String)]) -> Request<'a> {
        Request { method: "GET", uri, region: "us-east-1", service: "s3", headers, payload_sha256: EMPTY }
    }

    fn signature(request: &Request<'_>) -> String {
        let added = sign(&key(), request, MAY_24).unwrap();
        added.last().unwrap().1.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn the_examples_of_amazon_are_signed_alike() {
        let range = [("Range".to_owned(), "bytes=0-9".to_owned())];
        let get = request("https://examplebucket.s3.amazonaws.com/test.txt", &range);
        assert_eq!(signature(&get), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
        let list = request("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", &[]);
        assert_eq!(signature(&list), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
        let lifecycle = request("https://examplebucket.s3.amazonaws.com/?lifecycle", &[]);
        assert_eq!(signature(&lifecycle), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    }

    #[test]
    fn a_body_with_its_checksum_behind_it_is_signed() {
        for (hash, is_signed) in [("STREAMING-UNSIGNED-PAYLOAD-TRAILER", true), ("STREAMING", false)] {
            let put = Request { method: "PUT", payload_sha256: hash, ..request("https://b.s3.amazonaws.com/x", &[]) };
            assert_eq!(sign(&key(), &put, MAY_24).is_ok(), is_signed, "{hash}");
        }
    }

    #[test]
    fn t14_headers_that_would_smuggle_lines_are_refused() {
        for header in [("x-a\n", "b"), ("x-a", "b\nhost:evil"), ("Host", "evil"), ("", "b"), ("authorization", "b")] {
            let headers = [(header.0.to_owned(), header.1.to_owned())];
            sign(&key(), &request("https://b.s3.amazonaws.com/", &headers), MAY_24).unwrap_err();
        }
        sign(&key(), &request("/relative", &[]), MAY_24).unwrap_err();
    }
}
