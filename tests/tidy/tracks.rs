//! A released track of the plugin interface never changes.

use std::fs;

use weir::plugin::load::Digest;

use crate::{assert_none, top};

/// `wit/<track>/FROZEN` holds the sha256 of the track's text from its release on; without it the track is a draft, as the
/// page beside it must say.
#[test]
fn a_frozen_track_keeps_its_text() {
    let readme = fs::read_to_string(top().join("wit/README.md")).expect("there is a page");
    let folders =
        fs::read_dir(top().join("wit")).expect("there is an interface").map(|item| item.expect("an entry").path());
    let mut findings = Vec::new();
    let mut tracks = 0;
    for folder in folders.filter(|path| path.is_dir()) {
        let text = fs::read(folder.join("plugin.wit")).expect("a track has a text");
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let version = name.trim_start_matches('v');
        match fs::read_to_string(folder.join("FROZEN")) {
            Ok(digest) if digest.trim() == Digest::of(&text).to_string() => {}
            Ok(_) => findings.push(format!("{name} is frozen, but its text has changed: changes go into a new track")),
            Err(_) if readme.contains(&format!("Version {version} is a draft")) => {}
            Err(_) => findings.push(format!("{name} has no FROZEN, but wit/README.md does not say that it is a draft")),
        }
        tracks += 1;
    }
    assert!(tracks > 0, "wit/ holds no track");
    assert_none(findings, "a frozen track never changes");
}
