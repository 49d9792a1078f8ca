//! What Linux tells about a running process.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

/// Linux counts a process's time in hundredths of a second, whatever the kernel's own clock is.
const TICK: Duration = Duration::from_millis(10);
/// Where `utime` stands behind the name of the program in `/proc/<id>/stat`; `stime` follows.
const UTIME: usize = 11;

pub struct Process {
    folder: PathBuf,
}

impl Process {
    pub fn new(id: u32) -> Self {
        Self { folder: PathBuf::from(format!("/proc/{id}")) }
    }

    /// The memory that it holds, for people.
    pub fn resident(&self) -> Result<String> {
        let status = fs::read_to_string(self.folder.join("status")).context("only Linux tells a process's memory")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        Ok(format!("{:.1} MB", kilobytes.context("no VmRSS in /proc")? * 1024.0 / 1e6))
    }

    /// The processor time that it has used so far, all its threads together.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(self.folder.join("stat")).context("only Linux tells a process's time")?;
        let (_, behind_name) = stat.rsplit_once(") ").context("/proc/<id>/stat has another form")?;
        let ticks = behind_name.split(' ').skip(UTIME).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>();
        Ok(TICK * ticks.context("/proc/<id>/stat has another form")?)
    }
}
