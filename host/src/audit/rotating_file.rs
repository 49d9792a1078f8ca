//! A file of lines that is put aside when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Appends lines; the newest full file is `<path>.1`, the oldest has the largest number.
pub struct RotatingFile {
    path: PathBuf,
    bytes_max: u64,
    kept: u32,
    open: Mutex<Open>,
}

struct Open {
    file: File,
    bytes: u64,
}

impl RotatingFile {
    /// Goes on where an earlier process stopped.
    pub fn open(path: &Path, bytes_max: u64, kept: u32) -> io::Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let open = Mutex::new(append_to(path)?);
        Ok(Self { path: path.to_owned(), bytes_max, kept, open })
    }

    /// One line, whole or not at all as far as the operating system keeps its word on appending.
    pub fn write_line(&self, line: &str) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = line.len() as u64 + 1;
        if open.bytes > 0 && open.bytes + bytes > self.bytes_max {
            self.put_aside()?;
            *open = append_to(&self.path)?;
        }
        open.file.write_all(format!("{line}\n").as_bytes())?;
        open.bytes += bytes;
        Ok(())
    }

    fn put_aside(&self) -> io::Result<()> {
        for number in (1..self.kept).rev() {
            match fs::rename(self.numbered(number), self.numbered(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.numbered(1))
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn append_to(path: &Path) -> io::Result<Open> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // Who may do what in a company is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/audit.jsonl");
        let file = RotatingFile::open(&path, 10, 2).unwrap();
        for line in ["1111111", "2222222", "3333333", "4444444"] {
            file.write_line(line).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join("logs").join(name)).unwrap();

        assert_eq!(read("audit.jsonl"), "4444444\n");
        assert_eq!(read("audit.jsonl.1"), "3333333\n");
        assert_eq!(read("audit.jsonl.2"), "2222222\n");
        assert!(!folder.path().join("logs/audit.jsonl.3").exists());

        drop(file);
        let again = RotatingFile::open(&path, 100, 2).unwrap();
        again.write_line("5").unwrap();
        assert_eq!(read("audit.jsonl"), "4444444\n5\n", "a new process goes on");
    }
}
