//! The headers of a request: which of them may be there, which are signed.

use super::shown;

pub(super) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const UNSIGNED_WITH_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const HEADERS_MAX: usize = 100;
const BYTES_MAX: usize = 16_384;

/// Of `x-amz-…`, what changes nothing but how the named objects are read or written.
const AMZ: [&str; 27] = [
    "x-amz-checksum-algorithm",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-mode",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-checksum-type",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-unmodified-since",
    "x-amz-copy-source-range",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-metadata-directive",
    "x-amz-mp-object-size",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-storage-class",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// Headers by which some servers take another request than the one that was signed.
const TURNING: [&str; 6] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-forwarded-host",
];

#[derive(Debug, Default)]
pub(super) struct Headers {
    /// In lower case; the host's own (`host`, `authorization`, `x-amz-date`) are not among them.
    pub(super) signed: Vec<(String, String)>,
    pub(super) payload_sha256: Option<String>,
    pub(super) copy_source: Option<String>,
    streams: bool,
}

impl Headers {
    pub(super) fn copies(&self) -> bool {
        self.copy_source.is_some()
    }

    /// What the hash is called where the client has not said it.
    pub(super) fn usual_payload(&self) -> &'static str {
        if self.streams { UNSIGNED_WITH_TRAILER } else { UNSIGNED }
    }
}

pub(super) fn read(headers: &[(String, String)], authority: &str) -> Result<Headers, String> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > HEADERS_MAX || bytes > BYTES_MAX {
        return Err(format!("it has {} headers of {bytes} bytes, more than are taken", headers.len()));
    }
    let mut read = Headers::default();
    let mut seen: Vec<String> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        check(&name, value)?;
        if seen.contains(&name) {
            return Err(format!("the header `{}` comes twice", shown(&name)));
        }
        read.take(&name, value, authority)?;
        seen.push(name);
    }
    Ok(read)
}

fn check(name: &str, value: &str) -> Result<(), String> {
    let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !token || !value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
        return Err("a header has a name or a value that cannot be sent".to_owned());
    }
    if TURNING.contains(&name) {
        return Err(format!("the header `{name}` can turn it into another request"));
    }
    // An underscore is a hyphen to some servers.
    if name.contains('_') && name.replace('_', "-").starts_with("x-amz-") {
        return Err(format!("the header `{name}` is spelled in an unusual way"));
    }
    Ok(())
}

impl Headers {
    fn take(&mut self, name: &str, value: &str, authority: &str) -> Result<(), String> {
        match name {
            "host" if value.eq_ignore_ascii_case(authority) => return Ok(()),
            "host" => return Err("its header `host` names another host than its URI".to_owned()),
            "x-amz-content-sha256" => {
                let is_hash = value.len() == 64 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !is_hash && value != UNSIGNED && value != UNSIGNED_WITH_TRAILER {
                    return Err("`x-amz-content-sha256` is no hash, nor says that there is none".to_owned());
                }
                self.payload_sha256 = Some(value.to_owned());
                return Ok(());
            }
            // The host signs with its own clock.
            "x-amz-date" => return Ok(()),
            "x-amz-copy-source" => self.copy_source = Some(value.to_owned()),
            "x-amz-trailer" => self.streams = true,
            _ => {}
        }
        let is_amz = name.starts_with("x-amz-");
        if is_amz && !AMZ.contains(&name) && !name.starts_with("x-amz-meta-") {
            return Err(format!("the header `{}` is none that tables need", shown(name)));
        }
        if is_amz || matches!(name, "content-md5" | "content-type" | "if-match" | "if-none-match") {
            self.signed.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }
}
