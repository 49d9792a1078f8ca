//! The author's guide, the examples: every command runs, every case holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use weir_tests::tools::{is_full_lane, python, succeed};
use weir_tests::{binary, free_port};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository")
}

/// Where what guests are compiled from is kept between tests.
fn build_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own file");
    test.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps").join("plugins/build/examples")
}

/// A command with `weir` on its path, with the compiler of guests, off the network.
fn with_tools(program: &str, folder: &Path) -> Command {
    let rustc = succeed(Command::new(top().join("plugins/toolchain.sh")));
    let path = std::env::var("PATH").expect("there is a path");
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", binary().parent().expect("a folder").display()))
        .env("RUSTC", rustc.trim())
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_BUILD_BUILD_DIR", build_folder())
        .env("WEIR__PLUGINS__SMALL", "true")
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("WEIR_CONFIG");
    command
}

/// The lines of all ```sh blocks.
fn script(page: &str) -> String {
    page.split("```sh\n").skip(1).filter_map(|block| block.split_once("```")).map(|(lines, _)| lines).collect()
}

#[test]
fn every_command_of_the_guide_works_in_its_order() {
    let home = tempfile::tempdir().expect("a folder");
    let page = std::fs::read_to_string(top().join("plugins/GUIDE.md")).expect("there is a guide");
    let address = format!("127.0.0.1:{}", free_port());
    let lock = top().join("plugins/Cargo.lock");
    // The versions that the plugins here are tested with, and the address of a port that is free.
    let pinned = format!("cd site-policy\ncp {} Cargo.lock", lock.display());
    let lines = script(&page).replace("cd site-policy", &pinned).replace("127.0.0.1:8181", &address);
    let script = format!("set -eumo pipefail\ntrap 'kill %1 2>/dev/null || true' EXIT\n{lines}");
    let mut bash = with_tools("bash", home.path());
    bash.args(["-c", &script]).env("WEIR__SERVER__LISTEN", &address).env("WEIR__METRICS__ENABLED", "false");

    let said = succeed(bash);

    assert!(said.contains("4 cases, all as expected"), "{said}");
    assert!(said.contains("ForbiddenException"), "{said}");
    let decision =
        said.lines().find(|line| line.contains("warehouse:create-namespace") && line.contains("weir::decision"));
    let decision =
        decision.or_else(|| said.lines().find(|line| line.contains("plugin.generation"))).unwrap_or_default();
    assert!(decision.contains("anonymous deny"), "the log does not show the decision:\n{said}");
}

/// An example as its author builds it; the component.
pub fn built(example: &str, home: &Path) -> PathBuf {
    let folder = top().join("examples").join(example);
    for step in [&["test"][..], &["build", "--release", "--target", "wasm32-unknown-unknown"]] {
        let mut cargo = with_tools("cargo", &folder);
        succeed({
            cargo.args(step).args(["--quiet", "--locked"]).env("CARGO_TARGET_DIR", home);
            cargo
        });
    }
    let module = home.join(format!("wasm32-unknown-unknown/release/{}.wasm", example.replace('-', "_")));
    let component = home.join("component.wasm");
    let mut pack = Command::new(binary());
    pack.current_dir(home).args(["plugin", "pack"]).arg(module).arg("-o").arg(&component);
    succeed(pack);
    component
}

fn holds(component: &Path, cases: &Path) {
    let mut test = Command::new(binary());
    test.current_dir(cases.parent().expect("a folder")).env("WEIR__PLUGINS__SMALL", "true");
    test.args(["plugin", "test", "--deadline-ms", "20000"]).arg(component).arg(cases);
    succeed(test);
}

#[test]
fn the_examples_in_rust_keep_their_cases() {
    for example in ["policy-plugin", "contract-plugin"] {
        let home = tempfile::tempdir().expect("a folder");
        holds(&built(example, home.path()), &top().join("examples").join(example).join("cases.toml"));
    }
}

/// The same policy in another language keeps the very same cases.
#[test]
fn the_policy_in_python_keeps_the_cases_of_the_one_in_rust() {
    if !is_full_lane() {
        return;
    }
    let Some(python) = python("componentize") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let example = top().join("examples/python-policy");
    std::fs::copy(example.join("policy.py"), home.path().join("policy.py")).expect("copied");
    let mut make = Command::new(PathBuf::from(python.get_program()).with_file_name("componentize-py"));
    make.current_dir(home.path()).arg("-d").arg(top().join("wit/v0.1"));
    make.args(["-w", "authorizer-plugin", "componentize", "policy", "-o", "policy.wasm"]);
    succeed(make);
    holds(&home.path().join("policy.wasm"), &top().join("examples/policy-plugin/cases.toml"));
}
