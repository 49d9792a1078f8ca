//! What the compiler does not keep: sizes, first lines, rooms, docs that stay true.

mod actions;
mod commands;
mod files;
mod metrics;
mod migrations;
mod plugins;
mod release;
mod rooms;
mod tracks;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A text file of the project, with its path from the top and `/` between the parts.
struct Source {
    path: String,
    text: String,
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace is where it was compiled")
}

/// Every text file that git knows or would add; what it ignores is not ours.
fn sources(suffix: &str) -> Vec<Source> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(top())
        .output()
        .expect("git lists the files");
    let listing = String::from_utf8(listing.stdout).expect("paths are UTF-8");
    let read = |path: &str| fs::read_to_string(top().join(path)).ok();
    let found: Vec<Source> = listing
        .lines()
        .filter(|path| path.ends_with(suffix))
        .filter_map(|path| read(path).map(|text| Source { path: path.to_owned(), text }))
        .collect();
    assert!(!found.is_empty(), "no file ends with {suffix:?}: the tidy test looks in the wrong place");
    found
}

/// Fails with every finding at once.
fn assert_none(findings: Vec<String>, remedy: &str) {
    assert!(findings.is_empty(), "{remedy}:\n  {}", findings.join("\n  "));
}
