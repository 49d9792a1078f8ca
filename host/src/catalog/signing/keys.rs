//! Keys: whether they lie inside a table, whichever way somebody reads them.

use super::shown;
use super::uri::decode;
use crate::catalog::location::Location;

const BYTES_MAX: usize = 1_024;
/// Some proxies and storages decode what is decoded already.
const DECODINGS: usize = 3;

/// INVARIANT: what passes begins with the table's path and a slash, and has no part that leads up again.
pub(super) fn check_inside(key: &str, table: &Location) -> Result<(), String> {
    let path = table.path().trim_start_matches('/');
    let rest = if path.is_empty() { Some(key) } else { key.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) };
    let Some(rest) = rest else {
        return Err(format!("`{}` lies outside the table", shown(key)));
    };
    if key.len() > BYTES_MAX {
        return Err(format!("a key has {} bytes, at most {BYTES_MAX} are taken", key.len()));
    }
    if key.chars().any(|character| character.is_control() || character == '\\') {
        return Err("a key has a backslash or a control character".to_owned());
    }
    if rest.split('/').rev().skip(1).any(str::is_empty) {
        return Err("a key has an empty part (`//`)".to_owned());
    }
    let mut read = key.to_owned();
    for _ in 0..DECODINGS {
        if read.split(['/', '\\']).any(|part| matches!(part, "." | "..")) {
            return Err("a key has a part of dots, which some readers resolve".to_owned());
        }
        // A name with a lone percent sign is what it is.
        match decode(&read) {
            Ok(decoded) if decoded != read => read = decoded,
            _ => break,
        }
    }
    Ok(())
}

/// The key of `x-amz-copy-source`: `bucket/key` or `/bucket/key`, percent-encoded, of the same bucket.
pub(super) fn copy_source(source: &str, bucket: &str) -> Result<String, String> {
    if source.contains(['?', '#', '+', '\\']) {
        return Err("`x-amz-copy-source` is spelled in an unusual way or names a version".to_owned());
    }
    let decoded = decode(source)?;
    let path = decoded.strip_prefix('/').unwrap_or(&decoded);
    match path.split_once('/') {
        Some((found, key)) if found == bucket => Ok(key.to_owned()),
        _ => Err(format!("`x-amz-copy-source` leads outside the bucket `{bucket}`")),
    }
}
