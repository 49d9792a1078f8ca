//! Which plugins there should be: those of `[plugins.load]`, those that lie in the folder.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::config::{PluginEntry, Plugins, is_name};
use crate::plugin::load::{Refusal, bundle};

const ENDINGS: [&str; 5] = [".wasm", ".wasm.gz", ".wasm.zst", ".cwasm", bundle::ENDING];

/// The declarations by name; one that cannot be understood is a refusal in its place, so that it shows in the status.
pub type Declarations = BTreeMap<String, Result<PluginEntry, Refusal>>;

/// Reads the configuration and the folder; a folder that cannot be read is an error, for its plugins are unknown.
pub fn declarations(settings: &Plugins) -> std::io::Result<Declarations> {
    let mut declared: Declarations =
        settings.load.iter().map(|(name, entry)| (name.clone(), Ok(entry.clone()))).collect();
    let Some(folder) = &settings.folder else { return Ok(declared) };
    for (name, files) in components(folder)? {
        let entry = match files.as_slice() {
            _ if declared.contains_key(&name) => Err(Refusal::Configuration(format!(
                "`{name}` is declared by `[plugins.load.{name}]` and lies in {} too; keep one of them",
                folder.display()
            ))),
            _ if !is_name(&name) => Err(Refusal::Configuration(format!(
                "`{name}` is no name of a plugin: lower-case letters, digits and hyphens are, beginning with a letter"
            ))),
            [file] => entry_of(file, &folder.join(format!("{name}.toml"))),
            several => Err(Refusal::Configuration(format!(
                "{} files are named `{name}` ({}); keep one of them",
                several.len(),
                ENDINGS.join(", ")
            ))),
        };
        declared.insert(name, entry);
    }
    Ok(declared)
}

/// The component files of a folder by their stems. Names that begin with a dot are somebody's work in progress, or the
/// hidden folders of a ConfigMap.
fn components(folder: &Path) -> std::io::Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for item in std::fs::read_dir(folder)? {
        let path = item?.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str).filter(|name| !name.starts_with('.')) else {
            continue;
        };
        if let Some(stem) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) {
            found.entry(stem.to_owned()).or_default().push(path);
        }
    }
    Ok(found)
}

/// The declaration of a file in the folder: what the `.toml` beside it says, else the defaults.
fn entry_of(component: &Path, beside: &Path) -> Result<PluginEntry, Refusal> {
    let source = format!("file:{}", component.display());
    let text = match std::fs::read_to_string(beside) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(PluginEntry { source, ..PluginEntry::default() });
        }
        Err(error) => return Err(Refusal::Configuration(format!("{}: {error}", beside.display()))),
    };
    let entry: PluginEntry = toml::from_str(&text)
        .map_err(|error| Refusal::Configuration(format!("{}: {}", beside.display(), error.message())))?;
    if !entry.source.is_empty() {
        return Err(Refusal::Configuration(format!(
            "{}: `source` is the file beside it; leave it out",
            beside.display()
        )));
    }
    let entry = PluginEntry { source, ..entry };
    match entry.first_problem() {
        None => Ok(entry),
        Some(problem) => Err(Refusal::Configuration(format!("{}: {problem}", beside.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Plugins) {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("writable");
        }
        let settings = Plugins { folder: Some(folder.path().to_owned()), ..Plugins::default() };
        (folder, settings)
    }

    #[test]
    fn a_file_in_the_folder_is_a_plugin() {
        let (_folder, settings) = folder(&[
            ("policy.wasm.gz", ""),
            ("split.bundle.json", ""),
            ("split.wasm.gz.part0", ""),
            ("policy.toml", "order = 7\nsettings = { rule = 'x' }"),
            ("other.wasm", ""),
            ("notes.txt", ""),
            (".half.wasm", ""),
        ]);
        let declared = declarations(&settings).expect("readable");
        assert_eq!(declared.keys().map(String::as_str).collect::<Vec<_>>(), ["other", "policy", "split"]);
        let policy = declared["policy"].as_ref().expect("understood");
        assert_eq!((policy.order, policy.settings["rule"].as_str()), (7, Some("x")));
        assert!(policy.source.ends_with("/policy.wasm.gz"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_its_place() {
        let (_folder, mut settings) = folder(&[
            ("twice.wasm", ""),
            ("twice.wasm.gz", ""),
            ("Loud.wasm", ""),
            ("typo.wasm", ""),
            ("typo.toml", "ordre = 1"),
            ("taken.wasm", ""),
            ("pinned.wasm", ""),
            ("pinned.toml", "sha256 = 'ABC'"),
        ]);
        settings.load.insert("taken".into(), PluginEntry { source: "builtin:cedar".into(), ..PluginEntry::default() });
        let declared = declarations(&settings).expect("readable");
        for name in ["twice", "Loud", "typo", "taken", "pinned"] {
            assert!(matches!(declared[name], Err(Refusal::Configuration(_))), "{name}: {:?}", declared[name]);
        }
    }

    #[test]
    fn a_missing_folder_is_told() {
        let settings = Plugins { folder: Some("/nowhere/at/all".into()), ..Plugins::default() };
        assert!(declarations(&settings).is_err());
    }
}
