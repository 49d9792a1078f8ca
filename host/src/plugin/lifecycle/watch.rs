//! Looks at files for changes. It looks through symlinks, so the swap of a ConfigMap's `..data` is noticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What files looked like at one moment; two of them are equal when nothing changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look(BTreeMap<PathBuf, Option<Seen>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    real: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Look {
    /// Looks at the files; a folder stands for what lies directly in it.
    pub fn at<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut look = Self::default();
        for path in paths {
            look.add(path);
            if path.is_dir() {
                let items = std::fs::read_dir(path).into_iter().flatten().flatten();
                items.for_each(|item| look.add(&item.path()));
            }
        }
        look
    }

    fn add(&mut self, path: &Path) {
        self.0.insert(path.to_owned(), see(path));
    }
}

fn see(path: &Path) -> Option<Seen> {
    use std::os::unix::fs::MetadataExt;
    let real = path.canonicalize().ok()?;
    let facts = std::fs::metadata(&real).ok()?;
    Some(Seen { real, bytes: facts.len(), modified: facts.modified().ok(), inode: facts.ino() })
}

/// Tells a finished change from one that is under way: a look must be new, and the same twice in a row.
#[derive(Debug)]
pub struct Watch {
    loaded: Look,
    latest: Look,
}

impl Watch {
    pub fn new(loaded: Look) -> Self {
        Self { latest: loaded.clone(), loaded }
    }

    /// Whether the files are to be loaded again now.
    pub fn has_changed(&mut self, look: Look) -> bool {
        let is_settled = look == self.latest;
        self.latest = look;
        if !is_settled || self.latest == self.loaded {
            return false;
        }
        self.loaded = self.latest.clone();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T49: the way of a ConfigMap: the files are links through `..data`, which is swapped by a rename.
    #[test]
    fn a_swapped_symlink_is_noticed_once_it_is_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..one", "1"), ("..two", "2")] {
            std::fs::create_dir(at(version)).expect("writable");
            std::fs::write(at(version).join("p.wasm"), text).expect("writable");
        }
        std::os::unix::fs::symlink("..one", at("..data")).expect("writable");
        std::os::unix::fs::symlink("..data/p.wasm", at("p.wasm")).expect("writable");
        let look = || Look::at([folder.path()]);
        let mut watch = Watch::new(look());
        assert!(!watch.has_changed(look()));

        std::os::unix::fs::symlink("..two", at("..new")).expect("writable");
        std::fs::rename(at("..new"), at("..data")).expect("writable");
        assert!(!watch.has_changed(look()), "it may not be over yet");
        assert!(watch.has_changed(look()));
        assert!(!watch.has_changed(look()), "only once");
    }

    #[test]
    fn a_file_that_is_still_written_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("p.wasm");
        let look = || Look::at([file.as_path()]);
        let mut watch = Watch::new(look());
        for text in ["a", "ab", "abc"] {
            std::fs::write(&file, text).expect("writable");
            assert!(!watch.has_changed(look()));
        }
        assert!(watch.has_changed(look()));
        std::fs::remove_file(&file).expect("it is there");
        assert!(!watch.has_changed(look()));
        assert!(watch.has_changed(look()), "a file that went is a change too");
    }
}
