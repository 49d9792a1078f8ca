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

/// Where catalogs inside of tests keep the code of plugins: a guest is compiled slowly there, so once for all.
pub fn compiled() -> String {
    folder().join("compiled").display().to_string()
}

fn folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(3).expect("tests lie in <target>/<profile>/deps").join("plugins")
}

fn built(file: &str) -> PathBuf {
    let path = folder().join(file);
    assert!(path.exists(), "{} is not there: `make plugins` builds it", path.display());
    path
}
