//! Listings of a bucket, in pages.

use axum::response::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Shelf;
use super::keys::Caller;
use super::policy::Asked as Question;
use super::request::Asked;
use super::xml::{Refusal, document, escaped};

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// One entry of a page: an object, or a prefix that many share.
enum Entry {
    Object(String),
    Prefix(String),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Object(name) | Self::Prefix(name) => name,
        }
    }
}

pub(super) fn answer(shelf: &Shelf, caller: &Caller, asked: &Asked) -> Result<Response, Refusal> {
    if asked.parameter("location").is_some() {
        return Ok(document(200, "<LocationConstraint>local-01</LocationConstraint>"));
    }
    let prefix = asked.parameter("prefix").unwrap_or_default();
    let mut facts = vec![("s3:prefix", prefix.to_owned())];
    facts.extend(asked.parameter("delimiter").map(|delimiter| ("s3:delimiter", delimiter.to_owned())));
    caller.may(&Question { action: "s3:ListBucket", resource: format!("arn:aws:s3:::{}", asked.bucket), facts })?;
    let wanted = asked.parameter("max-keys").and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let keys_max = shelf.quirks.page_keys_max.min(wanted).max(1);
    let after = asked.parameter("continuation-token").or(asked.parameter("start-after")).or(asked.parameter("marker"));
    let entries = entries(shelf, asked, prefix, after.unwrap_or_default());
    let is_truncated = entries.len() > keys_max;
    let page = &entries[..entries.len().min(keys_max)];
    Ok(document(200, &page_text(shelf, asked, page, is_truncated)))
}

/// All that follow `after`, in their order.
fn entries(shelf: &Shelf, asked: &Asked, prefix: &str, after: &str) -> Vec<Entry> {
    let delimiter = asked.parameter("delimiter").filter(|delimiter| !delimiter.is_empty());
    let keys = shelf.buckets.get(&asked.bucket).into_iter().flat_map(|objects| objects.keys());
    let mut entries: Vec<Entry> = Vec::new();
    for key in keys.filter(|key| key.starts_with(prefix)) {
        let common = delimiter.and_then(|delimiter| {
            let at = key[prefix.len()..].find(delimiter)?;
            Some(key[..prefix.len() + at + delimiter.len()].to_owned())
        });
        let entry = common.map_or_else(|| Entry::Object(key.clone()), Entry::Prefix);
        let is_new = entries.last().is_none_or(|last| last.name() != entry.name());
        if is_new && entry.name() > after {
            entries.push(entry);
        }
    }
    entries
}

fn page_text(shelf: &Shelf, asked: &Asked, page: &[Entry], is_truncated: bool) -> String {
    let is_encoded = asked.parameter("encoding-type") == Some("url");
    let shown = |text: &str| match is_encoded {
        true => utf8_percent_encode(text, KEPT).to_string(),
        false => escaped(text),
    };
    let mut text = format!(
        "<Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>{is_truncated}\
         </IsTruncated>",
        asked.bucket,
        shown(asked.parameter("prefix").unwrap_or_default()),
        page.len()
    );
    if is_encoded {
        text.push_str("<EncodingType>url</EncodingType>");
    }
    if let (true, Some(last)) = (is_truncated, page.last()) {
        let last = escaped(last.name());
        text.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken><NextMarker>{last}</NextMarker>"));
    }
    for entry in page {
        match entry {
            Entry::Prefix(prefix) => {
                text.push_str(&format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", shown(prefix)));
            }
            Entry::Object(key) => {
                let Some(object) = shelf.buckets.get(&asked.bucket).and_then(|objects| objects.get(key)) else {
                    continue;
                };
                let modified = OffsetDateTime::from_unix_timestamp(object.modified_at_ms / 1_000).expect("a time");
                text.push_str(&format!(
                    "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>\
                     <StorageClass>STANDARD</StorageClass></Contents>",
                    shown(key),
                    modified.format(&Rfc3339).expect("a time"),
                    escaped(&object.etag),
                    object.bytes.len()
                ));
            }
        }
    }
    format!("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{text}</ListBucketResult>")
}
