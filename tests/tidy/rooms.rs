//! The rooms of the house: who may name which crate, which room may see which.

use crate::{Source, assert_none, sources};

/// Whom everybody may use: the error, the permit, the law, where requests may go, by which TLS, the operator's section for the room.
const SHARED: [&str; 6] = ["error", "permit", "catalog", "reach", "tls", "config"];
/// The rooms that tell a story, so they see all others; `cli` speaks for the operator.
const STORYTELLERS: [&str; 3] = ["api", "tasks", "cli"];

/// The code of the host, without comments: `(room, source)`; a file at the top is a room of its own name.
fn host() -> Vec<(String, Source)> {
    let in_host = |source: Source| {
        let inner = source.path.strip_prefix("host/src/")?;
        let room = inner.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned();
        let text =
            source.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        Some((room, Source { path: source.path.clone(), text }))
    };
    sources(".rs").into_iter().filter_map(in_host).collect()
}

/// Names `crate_name` as a path: `sqlx::`, `use sqlx;`, but not `my_sqlx::`.
fn names_crate(text: &str, crate_name: &str) -> bool {
    let path = format!("{crate_name}::");
    text.match_indices(&path)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
        || text.contains(&format!("use {crate_name};"))
}

fn only(rooms: &[&str], crate_name: &str) {
    let findings = host()
        .into_iter()
        .filter(|(room, source)| names_crate(&source.text, crate_name) && !rooms.contains(&room.as_str()))
        .map(|(_, source)| source.path)
        .collect();
    assert_none(findings, &format!("only {} may name {crate_name}", rooms.join(", ")));
}

#[test]
fn only_the_store_knows_sqlx() {
    only(&["store"], "sqlx");
}

#[test]
fn only_the_plugin_room_knows_wasmtime() {
    only(&["plugin"], "wasmtime");
}

#[test]
fn only_the_room_of_secrets_knows_vault() {
    only(&["secrets"], "vaultrs");
}

#[test]
fn only_the_door_knows_axum() {
    only(&["api", "app", "telemetry"], "axum");
}

#[test]
fn the_host_does_not_lean_on_the_iceberg_crate() {
    only(&[], "iceberg");
}

#[test]
fn the_law_is_pure() {
    let impure = ["async ", ".await", "tokio", "std::fs", "std::net", "std::env", "SystemTime", "Instant", "reqwest"];
    let findings = host()
        .iter()
        .filter(|(room, source)| room == "catalog" && !source.path.contains("/tests"))
        .flat_map(|(_, source)| impure.iter().map(move |word| (source, *word)))
        .filter(|(source, word)| source.text.contains(word))
        .map(|(source, word)| format!("{} says `{}`", source.path, word.trim()))
        .collect();
    assert_none(findings, "catalog/ has no I/O, no async, no clock");
}

#[test]
fn siblings_never_import_each_other() {
    let findings = host()
        .iter()
        .filter(|(room, source)| is_sibling(room, source))
        .flat_map(|(room, source)| imports(&source.text).into_iter().map(move |import| (room, source, import)))
        .filter(|(room, _, import)| import != *room && !allowed(room, import))
        .map(|(_, source, import)| format!("{} uses crate::{import}", source.path))
        .collect();
    assert_none(findings, "only api, tasks, cli, app see all rooms; a sibling gets what it needs as an argument");
}

/// A folder that is not a storyteller; the files at the top stand above the rooms.
fn is_sibling(room: &str, source: &Source) -> bool {
    source.path.matches('/').count() > 2 && !STORYTELLERS.contains(&room)
}

fn allowed(room: &str, import: &str) -> bool {
    match room {
        // The law stands on nothing but its own words for what went wrong.
        "catalog" => import == "error",
        _ => SHARED.contains(&import),
    }
}

/// The first names after `crate::`, also of a group: `use crate::{error::Error, permit::Permit}`.
fn imports(text: &str) -> Vec<String> {
    text.split("crate::").skip(1).flat_map(first_names).collect()
}

fn first_names(after: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = after.strip_prefix('{') else { return vec![name(after)] };
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c => names.last_mut().expect("there is always one").push(c),
        }
    }
    names.iter().map(|each| name(each)).filter(|each| !each.is_empty()).collect()
}

#[test]
fn the_import_reader_understands_groups() {
    let found = imports("use crate::{error::{Error, Result}, store::Store};\nlet x = crate::files::open();");
    assert_eq!(found, ["error", "store", "files"]);
}

#[test]
fn only_the_host_s_own_work_takes_the_operator_s_permit() {
    let own_work = ["permit", "app", "cli", "tasks", "store"];
    // A refused caller has no permit, yet the record of the refusal must be written; nor does a caller who may commit have
    // one for the task that deletes old metadata files later. Somebody new is written down before they may do anything.
    let for_the_host = ["host/src/api/idempotent.rs", "host/src/api/people.rs", "host/src/api/written.rs"];
    let findings = host()
        .into_iter()
        .filter(|(_, source)| {
            source.text.contains("Permit::operator(") && !for_the_host.contains(&source.path.as_str())
        })
        .filter(|(room, _)| !own_work.contains(&room.as_str()))
        .map(|(_, source)| source.path)
        .collect();
    assert_none(findings, "a caller's request needs a permit from authorization, not the operator's");
}
