//! Puts the bundled plugins into the program, where the feature `bundled` asks for it.
//!
//! It only reads what `make plugins` built; it never builds them itself.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let plugins = match env::var_os("CARGO_FEATURE_BUNDLED") {
        Some(_) => bundled(&folder(&out))?,
        None => Vec::new(),
    };
    let entries: String =
        plugins.iter().map(|(name, path)| format!("    ({name:?}, include_bytes!({path:?})),\n")).collect();
    let text = format!("pub const BUNDLED: &[(&str, &[u8])] = &[\n{entries}];\n");
    fs::write(out.join("bundled.rs"), text)
}

/// `plugins` in the target folder, which lies four levels above the folder of this script's output.
fn folder(out: &Path) -> PathBuf {
    println!("cargo::rerun-if-env-changed=WEIR_BUNDLED_PLUGINS");
    match env::var_os("WEIR_BUNDLED_PLUGINS") {
        Some(folder) => folder.into(),
        None => out.ancestors().nth(4).unwrap_or(out).join("plugins"),
    }
}

/// The components by name, in order, so that equal inputs make equal programs.
fn bundled(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let missing = |why: &dyn std::fmt::Display| {
        let remedy = "run `make plugins`, or name their folder in WEIR_BUNDLED_PLUGINS";
        io::Error::other(format!("the plugins to bundle are not in {}: {why}; {remedy}", folder.display()))
    };
    let mut found = Vec::new();
    for item in fs::read_dir(folder).map_err(|error| missing(&error))? {
        let path = item?.path();
        if path.extension().is_some_and(|ending| ending == "wasm")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            println!("cargo::rerun-if-changed={}", path.display());
            found.push((name.to_owned(), path.clone()));
        }
    }
    if found.is_empty() {
        return Err(missing(&"no `.wasm` file"));
    }
    found.sort();
    Ok(found)
}
