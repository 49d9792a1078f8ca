//! The downgrade floor: the newest version of each plugin that ran here, remembered between starts.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use semver::Version;

use crate::plugin::load::Refusal;

/// The newest versions, in a file of the cache folder.
#[derive(Debug)]
pub struct Floors {
    file: PathBuf,
    newest: Mutex<BTreeMap<String, Version>>,
}

impl Floors {
    /// Reads what earlier starts remembered; a file that cannot be understood is an error, for it may hide a downgrade.
    pub fn open(file: PathBuf) -> std::io::Result<Self> {
        let newest = match std::fs::read(&file) {
            Ok(bytes) => parse(&bytes).ok_or_else(|| {
                let why = "cannot be understood; remove it to forget which versions ran here";
                std::io::Error::other(format!("{} {why}", file.display()))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, newest: Mutex::new(newest) })
    }

    /// Refuses a version below the configured minimum or below the newest that ran here (T37).
    pub fn check(
        &self,
        plugin: &str,
        version: &str,
        minimum: Option<&str>,
        allow_downgrade: bool,
    ) -> Result<Version, Refusal> {
        let found = Version::parse(version).map_err(|error| {
            Refusal::NotAPlugin(format!("it calls itself version `{version}`, which is no semantic version: {error}"))
        })?;
        if let Some(minimum) = minimum {
            let floor = Version::parse(minimum)
                .map_err(|error| Refusal::Configuration(format!("`min_version = \"{minimum}\"`: {error}")))?;
            if found < floor {
                return Err(downgrade(&found, &floor, "which `min_version` asks for"));
            }
        }
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).get(plugin).cloned();
        match newest {
            Some(newest) if found < newest && !allow_downgrade => {
                Err(downgrade(&found, &newest, "the newest that ran here"))
            }
            Some(newest) if found < newest => {
                tracing::warn!(plugin, %found, %newest, "an older version is loaded, as `allow_downgrade` says");
                Ok(found)
            }
            _ => Ok(found),
        }
    }

    /// Remembers a version that is active now.
    pub fn raise(&self, plugin: &str, version: &Version) {
        let text = {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            if newest.get(plugin).is_some_and(|known| known >= version) {
                return;
            }
            newest.insert(plugin.to_owned(), version.clone());
            let named: BTreeMap<_, _> = newest.iter().map(|(name, version)| (name, version.to_string())).collect();
            serde_json::to_vec_pretty(&named).unwrap_or_default()
        };
        if let Err(error) = self.write(&text) {
            tracing::warn!(file = %self.file.display(), %error, "the newest version cannot be remembered");
        }
    }

    fn write(&self, text: &[u8]) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(std::path::Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        // A rename may outlive what was written before it, and an empty file stops the next start.
        file.as_file().sync_all()?;
        file.persist(&self.file).map(drop).map_err(|error| error.error)
    }
}

fn downgrade(found: &Version, floor: &Version, whose: &'static str) -> Refusal {
    Refusal::Downgrade { found: found.to_string(), floor: floor.to_string(), whose }
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Version>> {
    let named: BTreeMap<String, String> = serde_json::from_slice(bytes).ok()?;
    named.into_iter().map(|(name, version)| Some((name, Version::parse(&version).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T37: older than the minimum or than what ran here is refused, unless it is allowed in so many words.
    #[test]
    fn older_versions_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("versions.json");
        let floors = Floors::open(file.clone()).expect("no file is fine");
        let version = floors.check("p", "1.2.0", Some("1.0.0"), false).expect("new");
        floors.raise("p", &version);

        let floors = Floors::open(file.clone()).expect("what it wrote");
        assert!(matches!(floors.check("p", "1.1.9", None, false), Err(Refusal::Downgrade { .. })));
        assert!(floors.check("p", "1.1.9", None, true).is_ok());
        assert!(matches!(floors.check("p", "1.1.9", Some("1.2.0"), true), Err(Refusal::Downgrade { .. })));
        assert!(floors.check("other", "0.1.0", None, false).is_ok());
        assert!(matches!(floors.check("p", "newest", None, false), Err(Refusal::NotAPlugin(_))));
        assert!(floors.check("p", "1.3.0", None, false).is_ok());

        std::fs::write(&file, b"{").expect("writable");
        assert!(Floors::open(file).is_err(), "a spoilt memory is not an empty one");
    }
}
