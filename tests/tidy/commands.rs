//! Every command that a document or the Makefile offers is one that works.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{assert_none, sources, top};

/// The commands in the ```sh blocks of a document, without their prompts.
fn commands(text: &str) -> Vec<String> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```sh" | "```bash" | "```console" => in_block = true,
            "```" => in_block = false,
            command if in_block && !command.is_empty() && !command.starts_with('#') => {
                found.push(command.trim_start_matches("$ ").to_owned());
            }
            _ => {}
        }
    }
    found
}

fn make_targets() -> BTreeSet<String> {
    let makefile = std::fs::read_to_string(top().join("Makefile")).expect("there is a Makefile");
    makefile.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name.to_owned()).collect()
}

/// Whether `make -n` can plan the target, i.e. everything that it depends on exists.
fn plans(target: &str) -> bool {
    let plan = Command::new("make").args(["-n", target]).current_dir(top()).output().expect("make is installed");
    plan.status.success()
}

#[test]
fn every_make_target_is_explained_by_help() {
    let help = Command::new("make").arg("help").current_dir(top()).output().expect("make is installed");
    let help = String::from_utf8(help.stdout).expect("help is text");
    let phony = std::fs::read_to_string(top().join("Makefile")).expect("there is a Makefile");
    let phony = phony.lines().find_map(|line| line.strip_prefix(".PHONY: ")).expect("the Makefile names its commands");
    let silent =
        phony.split(' ').filter(|target| !help.contains(&format!("make {target} "))).map(str::to_owned).collect();
    assert_none(silent, "make help does not explain these");
    let broken = phony.split(' ').filter(|target| !plans(target)).map(str::to_owned).collect();
    assert_none(broken, "make cannot plan these");
}

#[test]
fn every_make_command_in_a_document_exists() {
    let targets = make_targets();
    let findings = sources(".md")
        .iter()
        .flat_map(|source| commands(&source.text).into_iter().map(move |command| (&source.path, command)))
        .filter_map(|(path, command)| Some((path, command.strip_prefix("make ")?.to_owned())))
        .filter(|(_, rest)| !targets.contains(rest.split(' ').next().unwrap_or_default()))
        .map(|(path, rest)| format!("{path}: make {rest}"))
        .collect();
    assert_none(findings, "documents name commands that the Makefile does not have");
}

#[test]
fn every_script_is_valid_bash() {
    let scripts = sources("").into_iter().filter(|source| source.text.starts_with("#!/usr/bin/env bash"));
    let scripts: Vec<_> = scripts.map(|source| source.path).collect();
    assert!(scripts.contains(&".ci/run".to_owned()), "{scripts:?}");
    for script in scripts {
        let check = Command::new("bash").args(["-n", &script]).current_dir(top()).output().expect("bash is installed");
        assert!(check.status.success(), "{script}: {}", String::from_utf8_lossy(&check.stderr));
    }
}
