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
    for (service, other) in [
        ("migrate", "postgres"),
        ("openfga-migrate", "postgres"),
        ("weir", "openfga"),
        ("weir", "keycloak"),
        ("weir", "s3"),
        ("weir", "nats"),
        ("setup", "weir"),
    ] {
        assert_eq!(waits(service, other), "service_healthy", "{service} waits for {other}");
        let has_check = all["services"][other]["healthcheck"]["test"].is_array();
        assert!(has_check || other == "weir", "{other} says whether it is healthy; weir's image does by itself");
    }
    for (service, other) in [("weir", "migrate"), ("openfga", "openfga-migrate")] {
        assert_eq!(waits(service, other), "service_completed_successfully", "{service} waits for {other}");
    }
    for once in ["migrate", "openfga-migrate", "setup"] {
        assert_eq!(all["services"][once]["restart"], "no");
    }
}

#[test]
fn the_catalog_is_confined_and_only_this_machine_reaches_it() {
    let Some(all) = understood(&["docker-compose.yaml"]) else { return };
    for service in ["migrate", "weir", "openfga-migrate", "openfga", "nats", "setup"] {
        let service = &all["services"][service];
        assert_eq!(service["read_only"], true);
        assert_eq!(service["cap_drop"], json!(["ALL"]));
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]));
    }
    for (name, service) in all["services"].as_object().expect("services") {
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}");
        }
    }
    for inner in ["postgres", "openfga", "nats"] {
        assert!(all["services"][inner]["ports"].is_null());
        assert_eq!(all["services"][inner]["networks"], json!({ "inside": null }));
    }
    assert_eq!(all["networks"]["inside"]["internal"], true);
}

/// The environment of a container shows in `docker inspect`, so no secret may be there; files are.
#[test]
fn no_secret_is_in_an_environment_or_in_git() {
    let Some(all) = understood(&["docker-compose.yaml"]) else { return };
    for (name, service) in all["services"].as_object().expect("services") {
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let is_secret =
                ["PASSWORD", "STORE__URL", "NATS__URL", "KEY", "SECRET"].iter().any(|word| variable.contains(word));
            let is_file =
                variable.ends_with("_FILE") && value.as_str().is_some_and(|path| path.starts_with("/run/secrets/"));
            assert!(!is_secret || is_file, "{name}: {variable}");
        }
    }
    for (name, secret) in all["secrets"].as_object().expect("secrets") {
        let file = secret["file"].as_str().expect("secrets are files");
        assert!(file.contains("/secrets/"), "{name}: {file}");
        let mut ignored = Command::new("git");
        ignored.args(["check-ignore", &format!("secrets/{name}")]).current_dir(top());
        succeed(ignored);
    }
}

/// Whoever copies nothing gets the same, and it is closed: the settings name an issuer, so nobody is anonymous.
#[test]
fn nobody_comes_in_without_saying_who_he_is() {
    let Some(as_it_stands) = compose(&["docker-compose.yaml"], &[]) else { return };
    assert!(as_it_stands.status.success(), "{as_it_stands:?}");
    let all: Value = serde_json::from_slice(&as_it_stands.stdout).expect("JSON");
    let environment = all["services"]["weir"]["environment"].as_object().expect("variables");
    assert!(environment.keys().all(|variable| !variable.contains("ANONYMOUS")), "{environment:?}");
    let settings = std::fs::read_to_string(top().join("examples/quickstart/weir.toml")).expect("readable");
    assert!(settings.contains("[auth.issuers.keycloak]") && !settings.contains("anonymous"));
}

#[test]
fn the_overlay_for_developers_serves_the_mounted_source_without_the_others() {
    let Some(all) = understood(&["docker-compose.yaml", "docker-compose.dev.yaml"]) else { return };
    let weir = &all["services"]["weir"];
    assert_eq!(weir["build"]["target"], "dev");
    assert_eq!(weir["environment"]["WEIR__STORE__MIGRATE_AT_START"], "true");
    assert!(weir["volumes"].as_array().expect("volumes").iter().any(|volume| volume["target"] == "/src"));
    let services: Vec<&String> = all["services"].as_object().expect("services").keys().collect();
    assert_eq!(services, ["postgres", "weir"], "no identity provider, nothing else to wait for");
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
        check.arg("--config").arg(top().join("examples/quickstart/weir.toml")).args(["config", "show"]);
        for (name, value) in all["services"]["weir"]["environment"].as_object().expect("variables") {
            // Null stands for a variable that is not set.
            if let Some(value) = value.as_str() {
                check.env(name, value.replace("/run/secrets", &folder.display().to_string()));
            }
        }

        let shown = succeed(check);

        assert!(
            shown.contains("@postgres:5432/weir") && shown.contains("https://keycloak:8443/realms/weir"),
            "{shown}"
        );
        let mut verify = Command::new("openssl");
        verify.args(["verify", "-x509_strict", "-verify_hostname", "keycloak", "-CAfile"]);
        verify.arg(folder.join("ca")).arg(folder.join("keycloak-cert"));
        succeed(verify);
        for secret in ["postgres-password", "secrets-key"] {
            let value = std::fs::read_to_string(folder.join(secret)).expect("made");
            assert!(value.len() == 48 && !shown.contains(&value), "{secret} is shown to nobody");
        }
    });
}
