//! Objects: put, get, head, delete, copy.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::keys::{Caller, now_ms};
use super::policy::Asked as Question;
use super::request::Asked;
use super::signature::hex;
use super::xml::{Refusal, document, elements, empty, escaped, text_of};
use super::{Object, Shelf, listing, multipart};

impl Object {
    pub(super) fn plain(bytes: Bytes) -> Self {
        let etag = format!("\"{}\"", &hex(&Sha256::digest(&bytes))[..32]);
        let metadata = BTreeMap::new();
        Self { bytes, etag, content_type: None, metadata, checksum_crc32: None, modified_at_ms: now_ms() }
    }
}

pub(super) fn answer(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    if asked.bucket.is_empty() {
        return Err(Refusal::new(501, "NotImplemented", "buckets are not listed"));
    }
    if !shelf.buckets.contains_key(&asked.bucket) {
        return Err(Refusal::new(404, "NoSuchBucket", "there is no such bucket"));
    }
    if let Some(answer) = multipart::answer(shelf, caller, asked) {
        return answer;
    }
    match (asked.key.is_empty(), &asked.method) {
        (true, &Method::POST) if asked.parameter("delete").is_some() => delete_many(shelf, caller, asked),
        (true, &Method::HEAD) => may_object(caller, "s3:ListBucket", &asked.bucket, "").map(|()| empty(200)),
        (true, &Method::GET) => listing::answer(shelf, caller, asked),
        (false, &Method::PUT) if asked.header("x-amz-copy-source").is_some() => copy(shelf, caller, asked),
        (false, &Method::PUT) => put(shelf, caller, asked),
        (false, &(Method::GET | Method::HEAD)) => get(shelf, caller, asked),
        (false, &Method::DELETE) => {
            may_object(caller, "s3:DeleteObject", &asked.bucket, &asked.key)?;
            objects(shelf, asked).remove(&asked.key);
            Ok(empty(204))
        }
        _ => Err(Refusal::new(501, "NotImplemented", "this is not served")),
    }
}

pub(super) fn may_object(caller: &Caller, action: &str, bucket: &str, key: &str) -> Result<(), Refusal> {
    let slash = if key.is_empty() { "" } else { "/" };
    caller.may(&Question { action, resource: format!("arn:aws:s3:::{bucket}{slash}{key}"), facts: Vec::new() })
}

fn objects<'a>(shelf: &'a mut Shelf, asked: &Asked) -> &'a mut BTreeMap<String, Object> {
    shelf.buckets.entry(asked.bucket.clone()).or_default()
}

/// 412 where a condition of the request does not hold.
pub(super) fn refuse_unless_absent(shelf: &Shelf, asked: &Asked) -> Result<(), Refusal> {
    let taken = shelf.buckets.get(&asked.bucket).is_some_and(|objects| objects.contains_key(&asked.key));
    match asked.header("if-none-match") {
        Some("*") if taken && shelf.quirks.honours_conditions => {
            Err(Refusal::new(412, "PreconditionFailed", "there is such an object"))
        }
        _ => Ok(()),
    }
}

fn put(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    may_object(caller, "s3:PutObject", &asked.bucket, &asked.key)?;
    refuse_unless_absent(shelf, asked)?;
    let mut object = Object::plain(asked.body.clone());
    object.content_type = asked.header("content-type").map(str::to_owned);
    let named = |(name, value): (&header::HeaderName, &HeaderValue)| {
        Some((name.as_str().strip_prefix("x-amz-meta-")?.to_owned(), value.to_str().ok()?.to_owned()))
    };
    object.metadata = asked.headers.iter().filter_map(named).collect();
    if let Some(claimed) = asked.header("x-amz-checksum-crc32") {
        if claimed != crc32(&asked.body) {
            return Err(Refusal::new(400, "BadDigest", "the body does not match its checksum"));
        }
        object.checksum_crc32 = shelf.quirks.keeps_checksums.then(|| claimed.to_owned());
    }
    let mut answer = empty(200);
    answer.headers_mut().insert(header::ETAG, value(&object.etag));
    if let Some(checksum) = &object.checksum_crc32 {
        answer.headers_mut().insert("x-amz-checksum-crc32", value(checksum));
    }
    objects(shelf, asked).insert(asked.key.clone(), object);
    Ok(answer)
}

fn crc32(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(crc32fast::hash(bytes).to_be_bytes())
}

fn get(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    may_object(caller, "s3:GetObject", &asked.bucket, &asked.key)?;
    let missing = || Refusal::new(404, "NoSuchKey", "there is no such object");
    let object = objects(shelf, asked).get(&asked.key).cloned().ok_or_else(missing)?;
    let length = object.bytes.len();
    let range = asked.header("range").map(|range| parse_range(range, length)).transpose()?;
    let bytes = range.map_or_else(|| object.bytes.clone(), |(from, to)| object.bytes.slice(from..to));
    let mut answer = Response::builder()
        .status(if range.is_some() { 206 } else { 200 })
        .header(header::ETAG, value(&object.etag))
        .header(header::LAST_MODIFIED, http_date(object.modified_at_ms))
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_LENGTH, bytes.len())
        .header(header::CONTENT_TYPE, object.content_type.as_deref().unwrap_or("binary/octet-stream"));
    for (name, meta) in &object.metadata {
        answer = answer.header(format!("x-amz-meta-{name}"), meta);
    }
    if let Some((from, to)) = range {
        answer = answer.header(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", to - 1));
    } else if let (Some(checksum), Some("ENABLED")) = (&object.checksum_crc32, asked.header("x-amz-checksum-mode")) {
        answer = answer.header("x-amz-checksum-crc32", checksum).header("x-amz-checksum-type", "FULL_OBJECT");
    }
    let body = if asked.method == Method::HEAD { Body::empty() } else { Body::from(bytes) };
    Ok(answer.body(body).expect("a response"))
}

/// `bytes=2-5`, `bytes=2-`, `bytes=-3` as a half-open range.
fn parse_range(range: &str, length: usize) -> Result<(usize, usize), Refusal> {
    let unsatisfiable = || Refusal::new(416, "InvalidRange", "the range is not in the object");
    let (from, to) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(unsatisfiable)?;
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, (to + 1).min(length)),
        (Ok(from), Err(_)) => (from, length),
        (Err(_), Ok(last)) => (length.saturating_sub(last), length),
        _ => return Err(unsatisfiable()),
    };
    if from < to { Ok((from, to)) } else { Err(unsatisfiable()) }
}

fn copy(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    let source = asked.header("x-amz-copy-source").unwrap_or_default();
    let source = percent_decode_str(source).decode_utf8_lossy().into_owned();
    let (bucket, key) = source.trim_start_matches('/').split_once('/').ok_or_else(|| Refusal::bad("the source"))?;
    may_object(caller, "s3:GetObject", bucket, key)?;
    may_object(caller, "s3:PutObject", &asked.bucket, &asked.key)?;
    let found = shelf.buckets.get(bucket).and_then(|objects| objects.get(key)).cloned();
    let object = found.ok_or_else(|| Refusal::new(404, "NoSuchKey", "there is no such source"))?;
    let etag = escaped(&object.etag);
    objects(shelf, asked).insert(asked.key.clone(), object);
    Ok(document(200, &format!("<CopyObjectResult><ETag>{etag}</ETag></CopyObjectResult>")))
}

fn delete_many(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    if !shelf.quirks.deletes_many {
        return Err(Refusal::new(501, "NotImplemented", "objects are deleted one by one"));
    }
    if shelf.quirks.wants_md5 && asked.header("content-md5").is_none() {
        return Err(Refusal::new(400, "MissingContentMD5", "a deletion of many objects comes with its MD5"));
    }
    let text = asked.text();
    let keys: Vec<String> = elements(&text, "Object").iter().filter_map(|object| text_of(object, "Key")).collect();
    if keys.is_empty() || keys.len() > 1_000 {
        return Err(Refusal::new(400, "MalformedXML", "1 to 1,000 keys are deleted at once"));
    }
    let mut results = String::new();
    for key in keys {
        let name = escaped(&key);
        match may_object(caller, "s3:DeleteObject", &asked.bucket, &key) {
            Ok(()) => {
                objects(shelf, asked).remove(&key);
                results.push_str(&format!("<Deleted><Key>{name}</Key></Deleted>"));
            }
            Err(refusal) => {
                let code = refusal.code;
                results.push_str(&format!("<Error><Key>{name}</Key><Code>{code}</Code></Error>"));
            }
        }
    }
    Ok(document(200, &format!("<DeleteResult>{results}</DeleteResult>")))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a header value")
}

pub(super) fn http_date(at_ms: i64) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    OffsetDateTime::from_unix_timestamp(at_ms / 1_000).expect("a time").format(&format).expect("a time")
}
