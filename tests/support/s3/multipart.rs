//! Uploads in parts.

use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use bytes::BytesMut;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::keys::Caller;
use super::objects::{may_object, refuse_unless_absent};
use super::request::Asked;
use super::signature::hex;
use super::xml::{Refusal, document, elements, empty, escaped, text_of};
use super::{Object, Shelf, Upload};

/// `None` where the request is not about an upload in parts.
pub(super) fn answer(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Option<Result<Response, Refusal>> {
    let id = asked.parameter("uploadId");
    match (&asked.method, id) {
        (&Method::POST, None) if asked.parameter("uploads").is_some() => Some(begin(shelf, caller, asked)),
        (&Method::PUT, Some(id)) => Some(part(shelf, caller, asked, id)),
        (&Method::POST, Some(id)) => Some(complete(shelf, caller, asked, id)),
        (&Method::DELETE, Some(id)) => Some(abort(shelf, caller, asked, id)),
        _ => None,
    }
}

fn begin(shelf: &mut Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    may_object(caller, "s3:PutObject", &asked.bucket, &asked.key)?;
    let id = Uuid::new_v4().simple().to_string();
    let upload = Upload {
        bucket: asked.bucket.clone(),
        key: asked.key.clone(),
        content_type: asked.header("content-type").map(str::to_owned),
        parts: Default::default(),
    };
    shelf.uploads.insert(id.clone(), upload);
    let (bucket, key) = (&asked.bucket, escaped(&asked.key));
    let inner = format!("<Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>");
    Ok(document(200, &format!("<InitiateMultipartUploadResult>{inner}</InitiateMultipartUploadResult>")))
}

fn upload<'a>(shelf: &'a mut Shelf, asked: &Asked, id: &str) -> Result<&'a mut Upload, Refusal> {
    let upload = shelf.uploads.get_mut(id).filter(|upload| upload.bucket == asked.bucket && upload.key == asked.key);
    upload.ok_or_else(|| Refusal::new(404, "NoSuchUpload", "there is no such upload"))
}

fn part(shelf: &mut Shelf, caller: &Caller, asked: &Asked, id: &str) -> Result<Response, Refusal> {
    may_object(caller, "s3:PutObject", &asked.bucket, &asked.key)?;
    if asked.header("x-amz-copy-source").is_some() {
        return Err(Refusal::new(501, "NotImplemented", "parts are not copied"));
    }
    let number = asked.parameter("partNumber").and_then(|text| text.parse().ok());
    let number = number.filter(|number| (1..=10_000).contains(number)).ok_or_else(|| Refusal::bad("partNumber"))?;
    let etag = format!("\"{}\"", &hex(&Sha256::digest(&asked.body))[..32]);
    upload(shelf, asked, id)?.parts.insert(number, asked.body.clone());
    let mut answer = empty(200);
    answer.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).expect("a header value"));
    Ok(answer)
}

fn complete(shelf: &mut Shelf, caller: &Caller, asked: &Asked, id: &str) -> Result<Response, Refusal> {
    may_object(caller, "s3:PutObject", &asked.bucket, &asked.key)?;
    refuse_unless_absent(shelf, asked)?;
    let numbers = elements(&asked.text(), "Part")
        .iter()
        .filter_map(|part| text_of(part, "PartNumber")?.parse().ok())
        .collect::<Vec<u32>>();
    let upload = upload(shelf, asked, id)?;
    let mut bytes = BytesMut::new();
    for number in &numbers {
        let part = upload.parts.get(number).ok_or_else(|| Refusal::new(400, "InvalidPart", "a part is missing"))?;
        bytes.extend_from_slice(part);
    }
    let mut object = Object::plain(bytes.freeze());
    object.content_type = upload.content_type.clone();
    object.etag = format!("{}-{}\"", object.etag.trim_end_matches('"'), numbers.len());
    let (bucket, key, etag) = (asked.bucket.clone(), asked.key.clone(), escaped(&object.etag));
    shelf.uploads.remove(id);
    shelf.buckets.entry(bucket.clone()).or_default().insert(key.clone(), object);
    let inner = format!("<Bucket>{bucket}</Bucket><Key>{}</Key><ETag>{etag}</ETag>", escaped(&key));
    Ok(document(200, &format!("<CompleteMultipartUploadResult>{inner}</CompleteMultipartUploadResult>")))
}

fn abort(shelf: &mut Shelf, caller: &Caller, asked: &Asked, id: &str) -> Result<Response, Refusal> {
    may_object(caller, "s3:AbortMultipartUpload", &asked.bucket, &asked.key)?;
    upload(shelf, asked, id)?;
    shelf.uploads.remove(id);
    Ok(empty(204))
}
