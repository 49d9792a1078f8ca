//! The guests that `make plugins` built.

use std::path::PathBuf;

/// A guest of `tests/guests`, by the name in its README.
pub fn guest(name: &str) -> PathBuf {
    built(&format!("guests/{name}.wasm"))
}

/// A plugin that Weir ships, such as `cedar`.
pub fn bundled(name: &str) -> PathBuf {
    built(&format!("{name}.wasm"))
}

fn built(file: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target_folder = test.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps");
    let path = target_folder.join("plugins").join(file);
    assert!(path.exists(), "{} is not there: `make plugins` builds it", path.display());
    path
}
