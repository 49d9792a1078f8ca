//! The compose files as the real compose understands them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use weir_tests::tools::{installed, is_full_lane, succeed};
use weir_tests::{Engine, Installation, run_on};

pub fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What `docker compose config` says; `None` (said aloud) outside of the full lane, which installs compose.
fn compose(files: &[&str], settings: &[(&str, &str)]) -> Option<Output> {
    if !is_full_lane() {
        eprintln!("skipped: compiling compose takes minutes, `make test-full` does it");
        return None;
    }
    let mut compose = installed("docker-compose")?;
    compose.args(files.iter().flat_map(|file| ["--file", file]));
    compose.args(["config", "--format", "json"]).current_dir(top()).env_clear();
    compose.env("HOME", "/nonexistent").envs(settings.iter().copied());
    Some(compose.output().expect("compose runs"))
}

/// The settings of `.env.example`, which is what a newcomer copies.
fn example() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(top().join(".env.example")).expect("readable");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn understood(files: &[&str]) -> Option<Value> {
    let example = example();
    let settings: Vec<_> = example.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let output = compose(files, &settings)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn everything_starts_in_the_order_of_health() {
    let Some(all) = understood(&["docker-compose.yaml"]) else { return };
    let waits = |service: &str, other: &str| all["services"][service]["depends_on"][other]["condition"].clone();
    assert_eq!(waits("migrate", "postgres"), "service_healthy");
    assert_eq!(waits("weir", "migrate"), "service_completed_successfully");
    assert!(all["services"]["postgres"]["healthcheck"]["test"].is_array());
    assert_eq!(all["services"]["migrate"]["restart"], "no");
}

#[test]
fn the_catalog_is_confined_and_only_this_machine_reaches_it() {
    let Some(all) = understood(&["docker-compose.yaml"]) else { return };
    for service in ["migrate", "weir"] {
        let service = &all["services"][service];
        assert_eq!(service["read_only"], true);
        assert_eq!(service["cap_drop"], json!(["ALL"]));
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]));
    }
    assert_eq!(all["services"]["weir"]["ports"][0]["host_ip"], "127.0.0.1");
    assert!(all["services"]["postgres"]["ports"].is_null());
    assert_eq!(all["networks"]["inside"]["internal"], true);
}

/// The environment of a container shows in `docker inspect`, so no secret may be there; files are.
#[test]
fn no_secret_is_in_an_environment_or_in_git() {
    let Some(all) = understood(&["docker-compose.yaml"]) else { return };
    for (name, service) in all["services"].as_object().expect("services") {
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let is_secret = ["PASSWORD", "URL", "KEY", "TOKEN"].iter().any(|word| variable.contains(word));
            let is_file =
                variable.ends_with("_FILE") && value.as_str().is_some_and(|path| path.starts_with("/run/secrets/"));
            assert!(!is_secret || is_file || variable == "WEIR__SERVER__BASE_URL", "{name}: {variable}");
        }
    }
    for file in [".env", "secrets/postgres-password", "secrets/store-url"] {
        let mut ignored = Command::new("git");
        ignored.args(["check-ignore", file]).current_dir(top());
        succeed(ignored);
    }
}

#[test]
fn it_is_said_who_may_call_or_nothing_starts() {
    let Some(refused) = compose(&["docker-compose.yaml"], &[]) else { return };
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("who may call?"), "{refused:?}");
}

#[test]
fn the_overlay_for_developers_serves_the_mounted_source() {
    let Some(all) = understood(&["docker-compose.yaml", "docker-compose.dev.yaml"]) else { return };
    let weir = &all["services"]["weir"];
    assert_eq!(weir["build"]["target"], "dev");
    assert_eq!(weir["environment"]["WEIR__STORE__MIGRATE_AT_START"], "true");
    assert!(weir["volumes"].as_array().expect("volumes").iter().any(|volume| volume["target"] == "/src"));
}

/// The balancer has the port, the standby follows the primary, two replicas wait for both.
#[test]
fn two_replicas_stand_behind_a_balancer() {
    let Some(all) = understood(&["docker-compose.yaml", "examples/ha/compose.yaml"]) else { return };
    let weir = &all["services"]["weir"];
    assert_eq!(weir["deploy"]["replicas"], 2);
    assert!(weir["ports"].as_array().is_none_or(Vec::is_empty), "two replicas cannot have one port");
    assert_eq!(weir["depends_on"]["standby"]["condition"], "service_healthy");
    assert_eq!(weir["depends_on"]["migrate"]["condition"], "service_completed_successfully");
    assert_eq!(all["services"]["balancer"]["ports"][0]["published"], "8181");
}

/// The settings that a container gets, file and variables, go through the real `weir config check`.
#[test]
fn the_program_understands_what_compose_tells_it() {
    run_on(Engine::Sqlite, |engine| async move {
        let Some(all) = understood(&["docker-compose.yaml"]) else { return };
        let installation = Installation::create(engine, &[]).await;
        let mut secrets = Command::new(top().join("examples/quickstart/secrets.sh"));
        let folder = installation.home().join("secrets");
        secrets.env("WEIR_SECRETS", &folder);
        succeed(secrets);
        let mut check = Command::new(installation.command(0).get_program());
        check.arg("--config").arg(top().join(".ci/image/weir.toml")).args(["config", "show"]);
        for (name, value) in all["services"]["weir"]["environment"].as_object().expect("variables") {
            // Null stands for a variable that is not set.
            if let Some(value) = value.as_str() {
                check.env(name, value.replace("/run/secrets", &folder.display().to_string()));
            }
        }

        let shown = succeed(check);

        assert!(shown.contains("@postgres:5432/weir") && shown.contains(r#"anonymous = "anywhere""#), "{shown}");
        let password = std::fs::read_to_string(folder.join("postgres-password")).expect("made");
        assert!(password.len() == 48 && !shown.contains(&password), "a password is shown to nobody");
    });
}
