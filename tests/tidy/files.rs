//! Each file is short, says what it is for, betrays no machine.

use crate::{assert_none, sources, top};

const LINES_MAX: usize = 400;

#[test]
fn no_file_is_longer_than_400_lines() {
    let findings = sources(".rs")
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .collect();
    assert_none(findings, "split these files by what they are about");
}

#[test]
fn every_file_begins_with_one_sentence_about_its_one_purpose() {
    let findings = sources(".rs").iter().filter_map(|source| fault_of_first_line(&source.path, &source.text)).collect();
    assert_none(findings, "begin each file with one `//!` sentence that says what it is for");
}

fn fault_of_first_line(path: &str, text: &str) -> Option<String> {
    let first = text.lines().next().unwrap_or_default();
    let Some(words) = first.strip_prefix("//! ") else {
        return Some(format!("{path} begins with {first:?}"));
    };
    let rest = text.lines().skip(1).map_while(|line| line.strip_prefix("//! "));
    let paragraph = std::iter::once(words).chain(rest).collect::<Vec<_>>().join(" ");
    let sentence = paragraph.split_once(". ").map_or(paragraph.as_str(), |(sentence, _)| sentence);
    if !paragraph.ends_with(['.', '!', '?']) {
        return Some(format!("{path}: its first paragraph does not end a sentence: {paragraph:?}"));
    }
    // One noun in this house: they share their names, their locations, their table in the store.
    let sentence = sentence.to_lowercase().replace("tables and views", "tabulars");
    sentence.contains(" and ").then(|| format!("{path} is for two things: {sentence:?}"))
}

#[test]
fn no_file_names_somebody_s_machine() {
    let checkout = top().display().to_string();
    let first_folder = checkout.split('/').nth(1).unwrap_or_default();
    let mut betrayals = vec![checkout.clone(), "/Users/".to_owned()];
    // A checkout below a folder that no system has by itself says where the writer's files are.
    if !["home", "tmp", "root", "opt", "srv", "var", "usr", "mnt", ""].contains(&first_folder) {
        betrayals.push(format!("/{first_folder}/"));
    }
    if let Ok(home) = std::env::var("HOME")
        && home.len() > "/root".len()
    {
        betrayals.push(home);
    }
    let findings = sources("")
        .iter()
        .filter(|source| !source.path.ends_with(".lock") && source.path != "tests/tidy/files.rs")
        .flat_map(|source| source.text.lines().enumerate().map(move |(at, line)| (&source.path, at + 1, line)))
        .filter(|(_, _, line)| betrayals.iter().any(|betrayal| line.contains(betrayal.as_str())))
        .map(|(path, at, line)| format!("{path}:{at}: {}", line.trim()))
        .collect();
    assert_none(findings, "paths of one machine belong in no file");
}
