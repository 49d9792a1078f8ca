//! AWS Signature Version 4, checked from scratch.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::request::Asked;
use super::xml::Refusal;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a request says of its own signature.
struct Claim {
    date: String,
    region: String,
    service: String,
    time: String,
    signed_headers: Vec<String>,
    signature: String,
    is_presigned: bool,
}

/// Whether the request was signed with this secret.
pub(super) fn check(asked: &Asked, secret: &str) -> Result<(), Refusal> {
    let claim = claim(asked).ok_or_else(|| Refusal::denied("the request is not signed"))?;
    if !claim.signed_headers.iter().any(|name| name == "host") {
        return Err(Refusal::denied("the host is not signed"));
    }
    let unsigned = |name: &str| name.starts_with("x-amz-") && !claim.signed_headers.iter().any(|signed| signed == name);
    if let Some(name) = asked.headers.keys().find(|name| unsigned(name.as_str())) {
        return Err(Refusal::denied(format!("the header {name} is not signed")));
    }
    let payload = payload(asked, &claim)?;
    let canonical = [
        asked.method.as_str().to_owned(),
        encoded_path(&asked.path),
        canonical_query(asked),
        canonical_headers(asked, &claim.signed_headers),
        claim.signed_headers.join(";"),
        payload,
    ]
    .join("\n");
    let scope = format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", claim.time, hex(&Sha256::digest(canonical.as_bytes())));
    let steps = [claim.date.as_str(), claim.region.as_str(), claim.service.as_str(), "aws4_request", to_sign.as_str()];
    let signature = steps.iter().fold(format!("AWS4{secret}").into_bytes(), |key, step| mac(&key, step));
    match hex(&signature) == claim.signature {
        true => Ok(()),
        false => Err(Refusal::new(403, "SignatureDoesNotMatch", "the signature is not the one of this request")),
    }
}

fn claim(asked: &Asked) -> Option<Claim> {
    let (credential, signed_headers, signature, time, is_presigned) = match asked.header("authorization") {
        Some(header) => {
            let rest = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
            let of =
                |name: &str| rest.split(',').map(str::trim).find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            let time = asked.header("x-amz-date")?;
            (of("Credential")?, of("SignedHeaders")?, of("Signature")?, time, false)
        }
        None => (
            asked.parameter("X-Amz-Credential")?,
            asked.parameter("X-Amz-SignedHeaders")?,
            asked.parameter("X-Amz-Signature")?,
            asked.parameter("X-Amz-Date")?,
            true,
        ),
    };
    let mut parts = credential.split('/').skip(1).map(str::to_owned);
    let (date, region, service) = (parts.next()?, parts.next()?, parts.next()?);
    if !time.starts_with(&date) || parts.next()? != "aws4_request" {
        return None;
    }
    Some(Claim {
        date,
        region,
        service,
        time: time.to_owned(),
        signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
        signature: signature.to_owned(),
        is_presigned,
    })
}

/// The claimed hash of the payload, which is compared with the payload where it is a hash.
fn payload(asked: &Asked, claim: &Claim) -> Result<String, Refusal> {
    let found = hex(&Sha256::digest(&asked.raw_body));
    match asked.header("x-amz-content-sha256") {
        Some(claimed) if claimed.len() == 64 && claimed != found => {
            Err(Refusal::new(400, "XAmzContentSHA256Mismatch", "the body is not the one that was signed"))
        }
        Some(claimed) => Ok(claimed.to_owned()),
        None if claim.is_presigned => Ok("UNSIGNED-PAYLOAD".to_owned()),
        None if claim.service == "s3" => Err(Refusal::denied("x-amz-content-sha256 is missing")),
        None => Ok(found),
    }
}

fn encoded_path(path: &str) -> String {
    let segment = |segment: &str| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy().into_owned();
        utf8_percent_encode(&decoded, KEPT).to_string()
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn canonical_query(asked: &Asked) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, KEPT).to_string();
    let pairs = asked.query.iter().filter(|(key, _)| key != "X-Amz-Signature");
    let mut pairs: Vec<(String, String)> = pairs.map(|(key, value)| (encoded(key), encoded(value))).collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

fn canonical_headers(asked: &Asked, signed: &[String]) -> String {
    let line = |name: &String| {
        let values = asked.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let values = values.map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "));
        format!("{name}:{}\n", values.collect::<Vec<_>>().join(","))
    };
    signed.iter().map(line).collect()
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
