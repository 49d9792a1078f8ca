//! Programs of other makers that tests drive, as `tests/setup.sh` installs them.

use std::path::PathBuf;
use std::process::Command;

/// A Python with the packages of one list of requirements; `None` (said aloud) where it is not installed.
pub fn python(environment: &str) -> Option<Command> {
    in_cache(&format!("{environment}/bin/python"))
}

/// A program that was compiled for the tests, such as `helm`; `None` (said aloud) where it is not installed.
pub fn installed(program: &str) -> Option<Command> {
    in_cache(&format!("bin/{program}"))
}

fn in_cache(file: &str) -> Option<Command> {
    let program = cache()?.join(file);
    if program.exists() {
        return Some(Command::new(program));
    }
    assert!(std::env::var("CI").is_err(), "{} is missing: run tests/setup.sh", program.display());
    eprintln!("skipped: {} is missing; `make test` installs it", program.display());
    None
}

/// Where `tests/setup.sh` puts what it installs.
pub fn cache() -> Option<PathBuf> {
    std::env::var_os("WEIR_CACHE").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".cache/weir"))
    })
}

/// Whether the slow tests are asked for, as `make test-full` does.
pub fn is_full_lane() -> bool {
    std::env::var("WEIR_TEST_FULL").is_ok_and(|value| value == "1")
}

/// Runs to the end; fails with everything that was said.
#[track_caller]
pub fn succeed(mut command: Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
