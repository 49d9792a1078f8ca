//! A bounded run of every fuzz target, over its seeds with random changes of them.

mod storage_targets;
mod targets;

use std::panic::catch_unwind;
use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use weir_tests::tools::is_full_lane;

/// What the formats at hand are made of; chance alone would not find it.
const WORDS: [&[u8]; 32] = [
    b"\n",
    b"\n\n",
    b"/",
    b"..",
    b"//",
    b"%1F",
    b"%2e",
    b"\x1f",
    b"\"",
    b"{",
    b"}",
    b"[]",
    b",",
    b":",
    b"null",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"2147483648",
    b"1e400",
    b"s3a://",
    b"file:/",
    "\u{0130}".as_bytes(),
    b"\xff",
    b"?",
    b"&",
    b"=",
    b"<Object>",
    b"<![CDATA[",
    b"&#46;",
    b"x-amz-acl: private\n",
    b"sales/t1/",
];

#[test]
fn b10_locations() {
    run("location", targets::location);
}

#[test]
fn b10_page_tokens() {
    run("page_token", targets::page_token);
}

#[test]
fn b10_metadata_under_commits() {
    run("metadata", targets::metadata);
}

#[test]
fn b10_namespaces_in_paths() {
    run("namespace_path", targets::namespace_path);
}

#[test]
fn b10_request_bodies() {
    run("bodies", targets::bodies);
}

#[test]
fn s12_b10_session_policies() {
    run("session_policy", storage_targets::session_policy);
}

#[test]
fn s16_b10_requests_to_sign() {
    run("signing", storage_targets::signing);
}

fn run(name: &str, target: fn(&[u8]) -> bool) {
    let seeds = seeds(name);
    let understood = seeds.iter().filter(|seed| check(name, target, seed)).count();
    assert!(understood * 2 >= seeds.len(), "the seeds of {name} lead nowhere: {understood} are understood");
    let mut chance = StdRng::seed_from_u64(10);
    let rounds = if is_full_lane() { 100_000 } else { 3_000 };
    let understood = (0..rounds).filter(|_| check(name, target, &changed(&seeds, &mut chance))).count();
    assert!(
        understood * 50 > rounds,
        "of {rounds} inputs {name} understands {understood}: the rest tests parsers only"
    );
}

fn check(name: &str, target: fn(&[u8]) -> bool, input: &[u8]) -> bool {
    let held = catch_unwind(|| target(input));
    held.unwrap_or_else(|_| panic!("the target {name} fails on b\"{}\"", input.escape_ascii()))
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder).expect("each target has seeds").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).expect("a file")).collect()
}

/// One of the seeds after some edits.
fn changed(seeds: &[Vec<u8>], chance: &mut StdRng) -> Vec<u8> {
    let mut input = seeds[chance.random_range(0..seeds.len())].clone();
    for _ in 0..chance.random_range(1..=4) {
        let from = chance.random_range(0..=input.len());
        let to = (from + chance.random_range(0..=12)).min(input.len());
        let other = &seeds[chance.random_range(0..seeds.len())];
        let piece = match chance.random_range(0..5) {
            0 => Vec::new(),
            1 => vec![chance.random()],
            2 => WORDS[chance.random_range(0..WORDS.len())].to_vec(),
            3 => input[from..to].repeat(2),
            _ => {
                let at = chance.random_range(0..=other.len());
                other[at..(at + chance.random_range(0..=40)).min(other.len())].to_vec()
            }
        };
        input.splice(from..to, piece);
    }
    input
}
