//! The key that an embedded ledger gets where nobody configured one: a file beside it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

const OWNER_ONLY: u32 = 0o600;

/// `weir.key` beside `weir.db`. The first line is the key, a second one the key before it while it is replaced.
#[derive(Clone, Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    pub(super) fn beside(ledger: &Path) -> Self {
        Self { path: ledger.with_extension("key") }
    }

    /// The keys, newest first; none where the file is not there.
    pub(super) fn read(&self) -> Result<Vec<String>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.fault(&error)),
        };
        let keys: Vec<String> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if keys.is_empty() {
            return Err(Error::internal(anyhow::anyhow!(
                "the key file `{}` is empty: put it back from a backup, or remove it and set all storage credentials anew",
                self.path.display()
            )));
        }
        let mode = fs::metadata(&self.path).map_err(|error| self.fault(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(file = %self.path.display(), "others may read the key of the secrets: chmod 600");
        }
        Ok(keys)
    }

    /// Makes the file with a new key; the keys of another process that made it first.
    pub(super) fn create(&self) -> Result<Vec<String>> {
        let key = random_key()?;
        match OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&self.path) {
            Ok(file) => {
                write_durably(file, &self.path, &[key.as_str()]).map_err(|error| self.fault(&error))?;
                tracing::info!(file = %self.path.display(), "made a key for secrets: back it up together with the ledger");
                Ok(vec![key])
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.read(),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Puts these keys in the place of those that are there, in one step.
    pub(super) fn replace(&self, keys: &[&str]) -> Result<()> {
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let replaced = tempfile::NamedTempFile::new_in(directory).and_then(|draft| {
            draft.as_file().set_permissions(Permissions::from_mode(OWNER_ONLY))?;
            write_durably(draft.as_file().try_clone()?, draft.path(), keys)?;
            draft.persist(&self.path)?;
            File::open(directory)?.sync_all()
        });
        replaced.map_err(|error| self.fault(&error))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn fault(&self, error: &io::Error) -> Error {
        Error::internal(anyhow::anyhow!("the key file `{}` cannot be used: {error}", self.path.display()))
    }
}

pub(super) fn random_key() -> Result<String> {
    let mut bytes = [0; 32];
    let random = SystemRandom::new().fill(&mut bytes);
    random.map_err(|_| Error::internal(anyhow::anyhow!("the system gives no random bytes")))?;
    Ok(STANDARD.encode(bytes))
}

fn write_durably(mut file: File, path: &Path, keys: &[&str]) -> io::Result<()> {
    for key in keys {
        writeln!(file, "{key}")?;
    }
    file.sync_all()?;
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}
