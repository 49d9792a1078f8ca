//! A release has one version, a whole bill of materials, workflows that name what they use.

use std::process::Command;

use crate::{assert_none, sources, top};

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn everything_that_names_the_version_names_the_one_in_cargo_toml() {
    let version = env!("CARGO_PKG_VERSION");
    let lines = [
        ("plugins/Cargo.toml", format!("version = \"{version}\"")),
        ("helm/weir/Chart.yaml", format!("version: {version}")),
        ("helm/weir/Chart.yaml", format!("appVersion: {version}")),
        ("Dockerfile", format!("ARG VERSION={version}")),
        (".env.example", format!("WEIR_IMAGE=weir:{version}")),
        ("docker-compose.yaml", format!("image: ${{WEIR_IMAGE:-weir:{version}}}")),
        ("examples/kubernetes/README.md", format!("kind load docker-image weir:{version}")),
    ];
    let says = |path: &str, wanted: &str| read(path).lines().any(|line| line.trim() == wanted);
    let silent = lines.iter().filter(|(path, wanted)| !says(path, wanted));
    assert_none(silent.map(|(path, wanted)| format!("{path}: `{wanted}`")).collect(), "these do not name the version");
}

/// Everything that is linked into the program is listed, with the digest of its source and its licence.
#[test]
fn the_bill_of_materials_is_whole() {
    let made = Command::new("python3").args(["-B", ".ci/sbom.py", "bundled"]).current_dir(top()).output();
    let made = made.expect("python3 is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bill: serde_json::Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let components = bill["components"].as_array().expect("components");
    assert!(components.len() > 200, "{} components", components.len());
    let wanting = components.iter().filter(|found| {
        let is_ours = found["name"].as_str().is_some_and(|name| name.starts_with("weir-plugin"));
        !is_ours && (found["hashes"].is_null() || found["licenses"].is_null())
    });
    assert_none(wanting.map(|found| found["purl"].to_string()).collect(), "without a digest or a licence");
    for name in ["wasmtime", "sqlx", "axum", "cedar-policy", "weir-plugin-cedar"] {
        assert!(components.iter().any(|found| found["name"] == name), "{name} is missing");
    }
    assert!(
        !components.iter().any(|found| found["name"] == "proptest"),
        "what only tests use is no part of the program"
    );
}

#[test]
fn workflows_name_the_version_of_each_action_and_what_they_may() {
    let mut findings = Vec::new();
    for source in sources(".yml").iter().filter(|source| source.path.starts_with(".github/workflows/")) {
        if !source.text.contains("\npermissions: {contents: read}\n") {
            findings.push(format!("{}: may more than read", source.path));
        }
        for line in source.text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
            if line
                .split_once('@')
                .is_none_or(|(_, version)| version.is_empty() || version == "main" || version == "master")
            {
                findings.push(format!("{}: {line}", source.path));
            }
        }
    }
    assert_none(findings, "a workflow does what its author cannot foresee");
}
