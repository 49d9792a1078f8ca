//! What a declaration stands for at this moment: its settings, its secrets, read from where they lie.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::config::PluginEntry;
use crate::plugin::load::{Demand, Digest, Refusal, Source, bundle};

/// The most bytes of a settings file or a secret.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A declaration with everything that it points to.
#[derive(Clone)]
pub struct Resolved {
    pub demand: Demand,
    /// The settings as JSON.
    pub settings: String,
    /// The secrets by the plugin's own names.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Changes whenever anything above, or the declaration, does; tells nothing of the secrets.
    pub fingerprint: Digest,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved").field("demand", &self.demand).field("fingerprint", &self.fingerprint).finish()
    }
}

/// Reads what the declaration points to.
pub fn resolve(entry: &PluginEntry) -> Result<Resolved, Refusal> {
    let sha256 = match &entry.sha256 {
        None => None,
        Some(text) => Some(Digest::parse(text).ok_or_else(|| {
            Refusal::Configuration(format!("`sha256 = \"{text}\"` is no digest: 64 lower-case hexadecimal digits are"))
        })?),
    };
    let source = Source::parse(&entry.source).map_err(Refusal::Configuration)?;
    let demand = Demand { source, sha256, signature: entry.signature.clone() };
    let settings = settings(entry)?;
    let mut secrets = BTreeMap::new();
    for (name, from) in &entry.secrets {
        secrets.insert(name.clone(), secret(name, from)?);
    }
    let fingerprint = fingerprint(entry, &settings, &secrets);
    Ok(Resolved { demand, settings, secrets, fingerprint })
}

/// The files that a declaration points to, whose changes matter.
pub fn files(entry: &PluginEntry) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = entry.settings_file.iter().chain(&entry.signature).cloned().collect();
    if let Ok(Source::File(component)) = Source::parse(&entry.source) {
        // The parts of a bundle lie beside its manifest; the folder stands for them.
        files.extend(component.parent().filter(|_| bundle::is_manifest(&component)).map(PathBuf::from));
        let mut signature = component.clone().into_os_string();
        signature.push(".sig");
        files.push(component);
        files.push(signature.into());
    }
    files.extend(entry.secrets.values().filter_map(|from| from.strip_prefix("file:")).map(PathBuf::from));
    files
}

fn settings(entry: &PluginEntry) -> Result<String, Refusal> {
    let Some(path) = &entry.settings_file else { return Ok(entry.settings.to_string()) };
    let refusal = |why: String| Refusal::Configuration(format!("settings_file {}: {why}", path.display()));
    let bytes = read(path).map_err(|error| refusal(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| refusal("is not UTF-8".into()))?;
    if path.extension().is_some_and(|ending| ending == "toml") {
        let table: toml::Table = toml::from_str(&text).map_err(|error| refusal(error.message().to_owned()))?;
        return serde_json::to_string(&table).map_err(|error| refusal(error.to_string()));
    }
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| refusal(error.to_string()))?;
    Ok(value.to_string())
}

/// The message never quotes what was found: somebody may have written the secret itself.
fn secret(name: &str, from: &str) -> Result<Vec<u8>, Refusal> {
    let refusal = |why: String| Refusal::Configuration(format!("its secret `{name}`: {why}"));
    if let Some(variable) = from.strip_prefix("env:") {
        let value = std::env::var_os(variable).ok_or_else(|| refusal(format!("the variable {variable} is not set")))?;
        return Ok(value.into_encoded_bytes());
    }
    let Some(path) = from.strip_prefix("file:") else {
        return Err(refusal("`file:<path>` or `env:<NAME>` says where it lies".into()));
    };
    let mut value = read(path.as_ref()).map_err(|error| refusal(format!("{path}: {error}")))?;
    while value.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        value.pop();
    }
    if value.is_empty() { Err(refusal(format!("{path} is empty"))) } else { Ok(value) }
}

fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn fingerprint(entry: &PluginEntry, settings: &str, secrets: &BTreeMap<String, Vec<u8>>) -> Digest {
    let secrets: BTreeMap<_, _> = secrets.iter().map(|(name, value)| (name, Digest::of(value).to_string())).collect();
    let all = serde_json::json!({ "entry": entry, "settings": settings, "secrets": secrets });
    Digest::of(all.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> PluginEntry {
        PluginEntry { source: "builtin:cedar".into(), ..PluginEntry::default() }
    }

    #[test]
    fn a_rotated_secret_changes_the_fingerprint_but_is_not_in_debug() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let from = format!("file:{}", file.display());
        let entry = PluginEntry { secrets: BTreeMap::from([("token".into(), from)]), ..entry() };
        std::fs::write(&file, "canary-one\n").expect("writable");
        let one = resolve(&entry).expect("readable");
        std::fs::write(&file, "canary-two\n").expect("writable");
        let two = resolve(&entry).expect("readable");
        assert_eq!(one.secrets["token"], b"canary-one");
        assert_ne!(one.fingerprint, two.fingerprint);
        assert!(!format!("{one:?}").contains("canary"));
    }

    /// T29: a missing secret is a refusal that names it.
    #[test]
    fn a_missing_secret_is_named() {
        let entry = PluginEntry { secrets: BTreeMap::from([("token".into(), "file:/no/such".into())]), ..entry() };
        let Err(Refusal::Configuration(why)) = resolve(&entry) else { panic!("refused") };
        assert!(why.contains("`token`") && why.contains("/no/such"), "{why}");
    }

    #[test]
    fn settings_come_from_json_or_toml() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("s.json", r#"{"a": {"b": [1, 2]}}"#), ("s.toml", "[a]\nb = [1, 2]")] {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("writable");
            let entry = PluginEntry { settings_file: Some(file), ..entry() };
            assert_eq!(resolve(&entry).expect("understood").settings, r#"{"a":{"b":[1,2]}}"#);
        }
    }
}
