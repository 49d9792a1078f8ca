//! Removal of a whole folder: links are removed, not followed, whoever puts one in the way meanwhile.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};

use tokio_util::sync::CancellationToken;

use super::folder::Folder;

/// Removes what has this name in the folder, and everything below; `Interrupted` once nobody waits for it any more.
pub(super) fn remove(folder: &Folder, name: &OsStr, stop: &CancellationToken) -> io::Result<()> {
    let path = folder.at(name);
    if !fs::symlink_metadata(&path)?.is_dir() {
        return fs::remove_file(path);
    }
    let inner = Folder::open(&path)?;
    if inner.real() != folder.real().join(name) {
        return Err(io::Error::other("a link came into the place of a folder that is being removed"));
    }
    for entry in fs::read_dir(inner.way())? {
        if stop.is_cancelled() {
            return Err(ErrorKind::Interrupted.into());
        }
        match remove(&inner, &entry?.file_name(), stop) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::remove_dir(path)
}
