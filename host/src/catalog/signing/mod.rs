//! A request to a bucket that somebody wants signed, taken apart to the last key, or refused.
//!
//! Works from lists of what is allowed: an operation, a query parameter, a header that is not named here is not signed.
//! What is refused is always answered alike (403), because an unsigned request harms nobody.

mod endpoint;
mod headers;
mod keys;
mod multi_delete;
mod operation;
#[cfg(test)]
mod tests;
mod uri;

pub use endpoint::Endpoint;
pub use operation::Operation;

use sha2::{Digest, Sha256};

use super::location::Location;
use super::scope::Verbs;
use crate::error::Error;

/// The body of a request, which only a deletion of many keys needs.
pub const BODY_BYTES_MAX: usize = 2 << 20;

/// What a client asks to have signed, as it came.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub region: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a [u8]>,
}

/// Where the table lies, how its bucket is reached.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub location: &'a Location,
    pub endpoints: &'a [Endpoint],
    pub region: &'a str,
}

/// A request that reaches nothing outside the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub operation: Operation,
    /// Every key that is read or written, a listing's prefix too; all of them inside the table.
    pub keys: Vec<String>,
    /// What has to be signed besides the host, in lower case.
    pub headers: Vec<(String, String)>,
    /// The hash of the payload, as S3 wants it said.
    pub payload_sha256: String,
}

impl Examined {
    pub fn verbs(&self) -> Verbs {
        if self.operation.writes() { Verbs::ReadWrite } else { Verbs::Read }
    }
}

/// What the request does, or 403 that says why it is not signed.
pub fn examine(request: &Request<'_>, place: &Place<'_>) -> Result<Examined, Error> {
    examined(request, place).map_err(|why| Error::Forbidden(format!("this request is not signed: {why}")))
}

fn examined(request: &Request<'_>, place: &Place<'_>) -> Result<Examined, String> {
    if request.region != place.region {
        return Err(format!("its region is `{}`, the storage's is `{}`", shown(request.region), place.region));
    }
    let uri = uri::Uri::parse(request.uri)?;
    let key = endpoint::key(&uri, place)?;
    let headers = headers::read(request.headers, uri.authority)?;
    let operation = operation::find(request.method, !key.is_empty(), &uri.query, headers.copies())?;
    let keys = touched(request, operation, (&key, &uri, &headers), place)?;
    for key in &keys {
        keys::check_inside(key, place.location)?;
    }
    let payload_sha256 = payload(request, operation, &headers)?;
    Ok(Examined { operation, keys, headers: headers.signed, payload_sha256 })
}

/// Everything that the request reaches for.
fn touched(
    request: &Request<'_>,
    operation: Operation,
    (key, uri, headers): (&str, &uri::Uri<'_>, &headers::Headers),
    place: &Place<'_>,
) -> Result<Vec<String>, String> {
    Ok(match operation {
        Operation::ListObjectsV2 => {
            let prefix = uri.query.iter().find(|(name, _)| name == "prefix").map(|(_, value)| value.clone());
            vec![prefix.unwrap_or_default()]
        }
        Operation::DeleteObjects => {
            let body = request.body.ok_or("the body has to come with it, because it names what is deleted")?;
            multi_delete::keys(body)?
        }
        Operation::CopyObject | Operation::UploadPartCopy => {
            let source = headers.copy_source.as_deref().unwrap_or_default();
            vec![key.to_owned(), keys::copy_source(source, place.location.bucket())?]
        }
        _ => vec![key.to_owned()],
    })
}

/// Where a URI can lead that names no table: with the bucket in its path or in its host. It proves nothing; once the table
/// is found, the request is examined.
pub fn places(uri: &str) -> Vec<Location> {
    let Ok(uri) = uri::Uri::parse(uri) else { return Vec::new() };
    let prefix = uri.query.iter().find(|(name, _)| name == "prefix").map(|(_, value)| value.as_str());
    let in_path = match uri.path.split_once('/') {
        Some((bucket, key)) => (bucket, key),
        None => (uri.path.as_str(), prefix.unwrap_or_default()),
    };
    let in_host = (uri.authority.split('.').next().unwrap_or_default(), uri.path.as_str());
    let in_host = if in_host.1.is_empty() { (in_host.0, prefix.unwrap_or_default()) } else { in_host };
    [in_path, in_host].into_iter().filter_map(|(bucket, key)| deepest(bucket, key)).collect()
}

/// The place of a key, without the parts that no location has: a partition may be named `a%2Fb`, a table never is.
fn deepest(bucket: &str, key: &str) -> Option<Location> {
    let mut place = Location::parse(&format!("s3://{bucket}")).ok().filter(|place| place.path().is_empty())?;
    for part in key.split('/').filter(|part| !part.is_empty()) {
        match place.join(part) {
            Ok(inside) => place = inside,
            Err(_) => break,
        }
    }
    Some(place)
}

/// The hash that is signed. A body that was looked at is bound by it; of other bodies no word is known.
fn payload(request: &Request<'_>, operation: Operation, headers: &headers::Headers) -> Result<String, String> {
    let told = headers.payload_sha256.as_deref();
    let Some(body) = request.body.filter(|_| operation == Operation::DeleteObjects) else {
        return Ok(told.unwrap_or(headers.usual_payload()).to_owned());
    };
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    match told {
        None => Ok(hash),
        Some(told) if told == hash || told == headers::UNSIGNED => Ok(hash),
        Some(_) => Err("`x-amz-content-sha256` is not the hash of the body".to_owned()),
    }
}

/// A client's words in an answer: short, without control characters.
fn shown(text: &str) -> String {
    text.chars().take(80).map(|character| if character.is_control() { ' ' } else { character }).collect()
}
