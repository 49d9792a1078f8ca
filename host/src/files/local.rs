//! Files on a disk of this host, inside the allowed roots only.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use tokio_util::sync::CancellationToken;

use super::error::FileError;
use super::folder::{Folder, real_path};
use super::{Listed, tree};
use crate::catalog::location::Location;

/// When a new file must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flush {
    /// Before the call returns.
    Now,
    /// When the operating system gets to it: somebody else holds the durable copy.
    Later,
}

/// The allowed roots, links resolved.
///
/// INVARIANT: every operation resolves the links of its path first, then holds the resolved folder, which lies inside a
/// root, and works in there. The last part is never followed when something is created or removed.
#[derive(Debug)]
pub(super) struct LocalFiles {
    roots: Vec<PathBuf>,
}

impl LocalFiles {
    pub(super) fn open(roots: &[PathBuf]) -> Result<Self, FileError> {
        let resolve = |root: &PathBuf| {
            fs::create_dir_all(root)
                .and_then(|()| root.canonicalize())
                .map_err(|source| FileError::Root { path: root.display().to_string(), source })
        };
        Ok(Self { roots: roots.iter().map(resolve).collect::<Result<_, _>>()? })
    }

    /// Put if absent: the name is created or refused by the file system in one step.
    ///
    /// The bytes go straight into the final name. A crash may leave it short, but then nothing points to it, since the
    /// pointer moves only after both flushes; or, where they come later, the store holds the same bytes.
    pub(super) fn write_new(&self, location: &Location, bytes: &[u8], flush: Flush) -> Result<(), FileError> {
        let (folder, name) = self.folder_to_create_in(location, flush)?;
        let path = folder.at(name);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(FileError::Exists(location.clone()));
            }
            Err(error) => return Err(FileError::failed(location, error)),
        };
        let written = file.write_all(bytes).and_then(|()| match flush {
            Flush::Now => file.sync_all().and_then(|()| folder.flush()),
            Flush::Later => Ok(()),
        });
        written.map_err(|error| {
            // Nobody points to what was not acknowledged. Should the removal fail too, an orphan stays.
            drop(fs::remove_file(&path));
            FileError::failed(location, error)
        })
    }

    /// Puts the bytes in the place of whatever is there, so that a reader sees the old file or the new one.
    pub(super) fn replace(&self, location: &Location, bytes: &[u8]) -> Result<(), FileError> {
        let (folder, name) = self.folder_to_create_in(location, Flush::Now)?;
        let replaced = tempfile::NamedTempFile::new_in(folder.way()).and_then(|mut draft| {
            draft.write_all(bytes)?;
            draft.as_file().sync_all()?;
            draft.persist(folder.at(name))?;
            folder.flush()
        });
        replaced.map_err(|error| FileError::failed(location, error))
    }

    pub(super) fn read(&self, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let path = self.existing_path(location)?.ok_or_else(|| FileError::Missing(location.clone()))?;
        let read = || {
            // A pipe or a device would block or never end.
            let length = match fs::metadata(&path)? {
                metadata if metadata.is_file() => metadata.len(),
                _ => return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
            };
            let mut bytes = Vec::with_capacity(length.min(bytes_max) as usize);
            let file = File::open(&path)?;
            // A link may have been put there since the path was resolved.
            if !self.holds(&real_path(&file, &path)?) {
                return Err(ErrorKind::NotFound.into());
            }
            file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) if bytes.len() as u64 > bytes_max => {
                Err(FileError::TooLarge { location: location.clone(), bytes_max })
            }
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(FileError::Missing(location.clone())),
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                Err(FileError::Corrupt { location: location.clone(), reason: error.to_string() })
            }
            Err(error) => Err(FileError::failed(location, error)),
        }
    }

    pub(super) fn exists(&self, location: &Location) -> Result<bool, FileError> {
        Ok(self.existing_path(location)?.is_some())
    }

    pub(super) fn delete(&self, location: &Location) -> Result<(), FileError> {
        let Some((folder, name)) = self.folder_to_remove_from(location)? else { return Ok(()) };
        gone(fs::remove_file(folder.at(name)), location)
    }

    /// Names that are no text are left out: none of ours is such.
    pub(super) fn list(&self, location: &Location) -> Result<Vec<Listed>, FileError> {
        let Some(resolved) = self.existing_path(location)? else { return Ok(Vec::new()) };
        let folder = self.open_folder(&resolved, location)?;
        let list = || {
            let mut listed = Vec::new();
            for entry in fs::read_dir(folder.way())? {
                let entry = entry?;
                let (Ok(name), metadata) = (entry.file_name().into_string(), entry.metadata()?) else { continue };
                if metadata.is_file() {
                    listed.push(Listed { name, modified_at_ms: modified_at_ms(&metadata)? });
                }
            }
            Ok(listed)
        };
        list().map_err(|error: io::Error| FileError::failed(location, error))
    }

    pub(super) fn delete_tree(&self, location: &Location, stop: &CancellationToken) -> Result<(), FileError> {
        let Some((folder, name)) = self.folder_to_remove_from(location)? else { return Ok(()) };
        if self.roots.iter().any(|root| root.starts_with(folder.real().join(name))) {
            return Err(outside(location, "a root itself is never deleted"));
        }
        gone(tree::remove(&folder, name, stop), location)
    }

    /// Whether the nearest directory that exists lies inside a root.
    pub(super) fn admit(&self, location: &Location) -> Result<(), FileError> {
        for existing in Path::new(location.path()).ancestors() {
            match existing.canonicalize() {
                Ok(resolved) => return self.admit_resolved(&resolved, location),
                // A dangling link is there, but resolves to nothing: whoever makes its target decides where we write.
                Err(_) if fs::symlink_metadata(existing).is_ok() => {
                    return Err(outside(location, "it leads through a broken link"));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(FileError::failed(location, error)),
            }
        }
        Err(outside(location, "no part of its path exists"))
    }

    fn admit_resolved(&self, resolved: &Path, location: &Location) -> Result<(), FileError> {
        match self.holds(resolved) {
            true => Ok(()),
            false => Err(outside(location, "it is not inside one of the allowed local roots")),
        }
    }

    fn holds(&self, resolved: &Path) -> bool {
        self.roots.iter().any(|root| resolved.starts_with(root))
    }

    /// Makes the directories above a file that somebody else is to write.
    pub(super) fn prepare(&self, location: &Location) -> Result<(), FileError> {
        self.folder_to_create_in(location, Flush::Now).map(drop)
    }

    /// The folder, made where it was missing, with the name of something that is to be created in it.
    fn folder_to_create_in<'a>(&self, location: &'a Location, flush: Flush) -> Result<(Folder, &'a OsStr), FileError> {
        let path = Path::new(location.path());
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(outside(location, "it has no directory"));
        };
        let resolved = match directory.canonicalize() {
            Ok(resolved) => resolved,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.admit(location)?;
                create_directories(directory, flush)
                    .and_then(|()| directory.canonicalize())
                    .map_err(|error| FileError::failed(location, error))?
            }
            Err(error) => return Err(refused_path(location, error)),
        };
        Ok((self.open_folder(&resolved, location)?, name))
    }

    /// What is opened is looked at again: it may be another folder than the one that was resolved.
    fn open_folder(&self, resolved: &Path, location: &Location) -> Result<Folder, FileError> {
        self.admit_resolved(resolved, location)?;
        let folder = Folder::open(resolved).map_err(|error| FileError::failed(location, error))?;
        self.admit_resolved(folder.real(), location)?;
        Ok(folder)
    }

    /// The path with all links resolved; `None` when nothing is there.
    fn existing_path(&self, location: &Location) -> Result<Option<PathBuf>, FileError> {
        match Path::new(location.path()).canonicalize() {
            Ok(resolved) => self.admit_resolved(&resolved, location).map(|()| Some(resolved)),
            // Whether a place outside exists is nobody's business.
            Err(error) if error.kind() == ErrorKind::NotFound => self.admit(location).map(|()| None),
            Err(error) => Err(refused_path(location, error)),
        }
    }

    /// The folder with the name of something that is to go; `None` when the folder is not there.
    fn folder_to_remove_from<'a>(&self, location: &'a Location) -> Result<Option<(Folder, &'a OsStr)>, FileError> {
        let path = Path::new(location.path());
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(outside(location, "it has no directory"));
        };
        match directory.canonicalize() {
            Ok(resolved) => Ok(Some((self.open_folder(&resolved, location)?, name))),
            Err(error) if error.kind() == ErrorKind::NotFound => self.admit(location).map(|()| None),
            Err(error) => Err(refused_path(location, error)),
        }
    }
}

fn modified_at_ms(metadata: &fs::Metadata) -> io::Result<i64> {
    let since_epoch = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

fn outside(location: &Location, reason: &str) -> FileError {
    FileError::Outside { location: location.clone(), reason: reason.to_owned() }
}

/// A file where a directory was named, a loop of links: the caller's path is wrong, the disk is well.
fn refused_path(location: &Location, error: io::Error) -> FileError {
    match error.kind() {
        ErrorKind::NotADirectory => outside(location, "it leads through a file"),
        ErrorKind::PermissionDenied => outside(location, "this server has no permission there"),
        ErrorKind::InvalidFilename => outside(location, "the file system takes no such name"),
        _ => FileError::failed(location, error),
    }
}

fn gone(removed: io::Result<()>, location: &Location) -> Result<(), FileError> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::failed(location, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Like `create_dir_all`, and where it is asked for each new directory survives a power loss.
fn create_directories(directory: &Path, flush: Flush) -> io::Result<()> {
    if flush == Flush::Later {
        return fs::create_dir_all(directory);
    }
    let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
    for path in missing.into_iter().rev() {
        match fs::create_dir(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => flush_directory_of(path)?,
        }
    }
    Ok(())
}

/// A new name is durable only when its directory has been flushed.
fn flush_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
