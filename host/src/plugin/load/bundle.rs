//! A component in parts: a manifest with the files that it names, for volumes whose files are small.
//!
//! A ConfigMap holds a mebibyte, and several of them in one volume change one after the other. So a part counts only with
//! the digest that the manifest gives, and until all of them agree nothing is loaded.

use std::path::Path;

use serde::Deserialize;

use super::fetch::read_file;
use super::{Digest, Refusal};

/// How the name of a manifest ends.
pub const ENDING: &str = ".bundle.json";

const MANIFEST_BYTES_MAX: u64 = 64 << 10;
const PARTS_MAX: usize = 256;

/// `{"sha256": "…", "parts": [{"file": "policy.wasm.gz.part0", "sha256": "…"}, …]}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// Of the whole component, inflated.
    sha256: String,
    /// In the order in which they are put together.
    parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    /// Beside the manifest, so a plain name.
    file: String,
    sha256: String,
}

/// The parts put together.
pub struct Bundle {
    pub bytes: Vec<u8>,
    /// What the manifest says of the inflated component; who loads it compares.
    pub sha256: Digest,
}

/// Whether a file is a manifest, told by its name.
pub fn is_manifest(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING))
}

/// Reads a manifest, then its parts, up to `bytes_max` together.
pub fn read(manifest: &Path, bytes_max: u64) -> Result<Bundle, Refusal> {
    let told = |why: String| Refusal::Bundle(format!("{}: {why}", manifest.display()));
    let text = read_bounded(manifest, MANIFEST_BYTES_MAX)?;
    let Manifest { sha256, parts } = serde_json::from_slice(&text).map_err(|error| told(error.to_string()))?;
    let digest = |text: &str| {
        Digest::parse(text).ok_or_else(|| told(format!("`{text}` is no sha256: 64 lower-case hexadecimal digits are")))
    };
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(told(format!("it names {} parts; 1 to {PARTS_MAX} are expected", parts.len())));
    }
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let mut bytes = Vec::new();
    for Part { file, sha256 } in parts {
        if file.starts_with('.') || file.contains(['/', '\\', '\0']) {
            return Err(told(format!("the part `{file}` is no plain name of a file beside the manifest")));
        }
        let wanted = digest(&sha256)?;
        let part = read_bounded(&folder.join(&file), bytes_max.saturating_sub(bytes.len() as u64))?;
        let found = Digest::of(&part);
        if found != wanted {
            return Err(told(format!(
                "the sha256 of its part `{file}` is {found}, not {wanted}; the parts may be of two versions until all have changed"
            )));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Bundle { bytes, sha256: digest(&sha256)? })
}

fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Refusal> {
    let fetch = |why: String| Refusal::Fetch { source_name: format!("file:{}", path.display()), why };
    let read = read_file(path, bytes_max).map_err(|error| fetch(error.to_string()))?;
    read.ok_or(Refusal::TooLarge { bytes_max })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).expect("writable");
            }
            Self(folder)
        }

        fn read(&self, manifest: &Value, bytes_max: u64) -> Result<Bundle, Refusal> {
            let path = self.0.path().join("p.bundle.json");
            std::fs::write(&path, manifest.to_string()).expect("writable");
            read(&path, bytes_max)
        }
    }

    fn part(file: &str, text: &str) -> Value {
        json!({ "file": file, "sha256": Digest::of(text.as_bytes()).to_string() })
    }

    fn manifest(parts: &[Value]) -> Value {
        json!({ "sha256": Digest::of(b"onetwo").to_string(), "parts": parts })
    }

    #[test]
    fn the_parts_are_put_together_in_the_order_of_the_manifest() {
        let folder = Folder::with(&[("b", "one"), ("a", "two")]);
        let bundle = folder.read(&manifest(&[part("b", "one"), part("a", "two")]), 6).expect("whole");
        assert_eq!((bundle.bytes.as_slice(), bundle.sha256), (b"onetwo".as_slice(), Digest::of(b"onetwo")));
    }

    /// T49: between two versions nothing is loaded, and waiting helps.
    #[test]
    fn a_part_of_another_version_is_refused_for_now() {
        let folder = Folder::with(&[("a", "one"), ("b", "old")]);
        let Err(refusal) = folder.read(&manifest(&[part("a", "one"), part("b", "two")]), 100) else {
            panic!("refused")
        };
        assert_eq!((refusal.code(), refusal.is_transient()), ("bad_bundle", true));
        assert!(refusal.to_string().contains("`b`"), "{refusal}");
    }

    /// T12: what the parts become together is bounded before it is read.
    #[test]
    fn parts_that_are_too_large_together_are_refused() {
        let folder = Folder::with(&[("a", "one"), ("b", "two")]);
        let parts = manifest(&[part("a", "one"), part("b", "two")]);
        assert!(matches!(folder.read(&parts, 5), Err(Refusal::TooLarge { .. })));
    }

    /// T30: a manifest reaches no file that does not lie beside it.
    #[test]
    fn a_part_elsewhere_is_refused() {
        let folder = Folder::with(&[("a", "one")]);
        for name in ["../a", "/etc/passwd", "..data", "x/a", ""] {
            assert!(folder.read(&manifest(&[part(name, "one")]), 100).is_err(), "{name}");
        }
        for broken in
            [json!({}), json!({ "sha256": "x", "parts": [] }), json!({ "sha256": "x", "parts": [], "more": 1 })]
        {
            let Err(refusal) = folder.read(&broken, 100) else { panic!("{broken} is refused") };
            assert_eq!(refusal.code(), "bad_bundle", "{refusal}");
        }
    }
}
