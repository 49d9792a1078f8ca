//! Updates of properties.

use std::sync::Arc;

use indexmap::IndexMap;

use super::draft::Draft;
use super::paths;
use crate::catalog::metadata::Codec;
use crate::error::Error;

/// Keys that stand for parts of the metadata; as properties they would say it twice.
const RESERVED: [&str; 9] = [
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-summary",
    "current-snapshot-id",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

/// The key that a table's files are encrypted with: another one would make them unreadable.
const ENCRYPTION_KEY: &str = "encryption.key-id";

/// Properties that must be whole numbers, the commit ones not negative.
const COMMIT_NUMBERS: [&str; 4] = [
    "commit.retry.num-retries",
    "commit.retry.min-wait-ms",
    "commit.retry.max-wait-ms",
    "commit.retry.total-timeout-ms",
];

pub(super) const PREVIOUS_VERSIONS_MAX: &str = "write.metadata.previous-versions-max";

impl Draft<'_> {
    pub fn set_properties(&mut self, updates: &IndexMap<String, String>) -> Result<(), Error> {
        let reserved: Vec<&str> = updates.keys().map(String::as_str).filter(|key| RESERVED.contains(key)).collect();
        if self.base.is_some() && !reserved.is_empty() {
            return Err(Error::BadRequest(format!(
                "Table properties should not contain reserved properties, but got {reserved:?}; a format version is changed by upgrade-format-version"
            )));
        }
        check_new_properties(updates)?;
        if let Some(key_id) = updates.get(ENCRYPTION_KEY) {
            self.check_encryption_key(Some(key_id))?;
        }
        if updates.is_empty() {
            return Ok(());
        }
        for key in paths::PROPERTIES {
            let value =
                updates.get(key).filter(|value| self.base.and_then(|base| base.properties.get(key)) != Some(value));
            self.introduced.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        self.removed_properties.retain(|key| !updates.contains_key(key));
        let properties = Arc::make_mut(&mut self.state.properties);
        properties.extend(persisted(updates).map(|(key, value)| (key.clone(), value.clone())));
        self.changed = true;
        Ok(())
    }

    pub fn remove_properties(&mut self, removals: &[String]) -> Result<(), Error> {
        if removals.iter().any(|key| key == ENCRYPTION_KEY) {
            self.check_encryption_key(None)?;
        }
        self.changed |= !removals.is_empty();
        self.removed_properties.extend(removals.iter().cloned());
        Ok(())
    }

    /// The key may be chosen while there is no file that it could not read.
    fn check_encryption_key(&self, asked: Option<&str>) -> Result<(), Error> {
        let Some(base) = self.base else {
            return Ok(());
        };
        let found = base.properties.get(ENCRYPTION_KEY).map(String::as_str);
        if found == asked || (found.is_none() && base.snapshots.is_empty()) {
            return Ok(());
        }
        Err(Error::BadRequest(format!(
            "Cannot change {ENCRYPTION_KEY} of a table: found {}, asked for {}",
            found.unwrap_or("none"),
            asked.unwrap_or("none")
        )))
    }
}

/// What of these properties is stored.
pub(in crate::catalog) fn persisted(properties: &IndexMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    properties.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()))
}

/// 400 for values that would fail every later commit.
pub(in crate::catalog) fn check_new_properties(properties: &IndexMap<String, String>) -> Result<(), Error> {
    for key in COMMIT_NUMBERS {
        match properties.get(key).map(|value| value.parse::<i32>()) {
            Some(Err(_)) => return Err(Error::BadRequest(format!("Table property {key} must have integer value"))),
            Some(Ok(number)) if number < 0 => {
                return Err(Error::BadRequest(format!("Table property {key} must have non negative integer value")));
            }
            _ => {}
        }
    }
    if properties.get(PREVIOUS_VERSIONS_MAX).is_some_and(|value| value.parse::<i32>().is_err()) {
        return Err(Error::BadRequest(format!("Table property {PREVIOUS_VERSIONS_MAX} must have integer value")));
    }
    if let Some(codec) = properties.get("write.metadata.compression-codec") {
        Codec::parse(codec)?;
    }
    Ok(())
}
