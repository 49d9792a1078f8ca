//! A folder held open, so that what happens in it happens there, whatever becomes of its path.
//!
//! Between resolving the links of a path and using it, somebody with access to the disk could put a link in the place of a
//! folder. The folder is therefore opened first and asked where it really lies; its files are reached through the open
//! folder, which no link can bend.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Folder {
    handle: File,
    real: PathBuf,
    /// How its files are reached.
    way: PathBuf,
}

impl Folder {
    /// `path` has its links resolved; [`Folder::real`] says what was opened in truth.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let handle = File::open(path)?;
        if !handle.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let real = real_path(&handle, path)?;
        let through = descriptor(&handle);
        let way = if through.exists() { through } else { real.clone() };
        Ok(Self { handle, real, way })
    }

    /// Where it lay when it was opened, without links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// A path to something in it, for one system call while the folder is held.
    pub(super) fn at(&self, name: &OsStr) -> PathBuf {
        self.way.join(name)
    }

    /// The folder itself, likewise.
    pub(super) fn way(&self) -> &Path {
        &self.way
    }

    /// Makes the names in it survive a power loss.
    pub(super) fn flush(&self) -> io::Result<()> {
        self.handle.sync_all()
    }
}

/// Where an open file lies in truth. Systems without `/proc` are asked for its path once more.
pub(super) fn real_path(file: &File, path: &Path) -> io::Result<PathBuf> {
    fs::read_link(descriptor(file)).or_else(|_| path.canonicalize())
}

fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
