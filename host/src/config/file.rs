//! The text of a `weir.toml`, with the name it is called by in messages.

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::{Problem, Problems};

/// A configuration file that was read but not yet understood.
#[derive(Clone, Debug)]
pub struct File {
    pub name: String,
    pub text: String,
}

impl File {
    /// Far more than any configuration; keeps a wrong path (a device, a database) from filling the memory.
    const BYTES_MAX: u64 = 1024 * 1024;

    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned() }
    }

    pub fn open(path: &Path) -> Result<Self, Problems> {
        let name = path.display().to_string();
        match read_text(path) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }

    /// `None` where there is no such file.
    pub fn open_if_there(path: &Path) -> Result<Option<Self>, Problems> {
        let name = path.display().to_string();
        match read_text(path) {
            Ok(text) => Ok(Some(Self { name, text })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(&name, &error)),
        }
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(File::BYTES_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > File::BYTES_MAX {
        return Err(std::io::Error::other(format!("larger than {} bytes", File::BYTES_MAX)));
    }
    Ok(text)
}

fn unreadable(name: &str, error: &std::io::Error) -> Problems {
    let mut problem = Problem::at("", error, "a readable TOML file, or no `--config` to run on the defaults");
    problem.origin = name.to_owned();
    Problems(vec![problem])
}
