//! Puts the SDK of plugins into the program, with the bundled plugins where the feature `bundled` asks for them.
//!
//! It only reads what `make plugins` built; it never builds them itself.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    write_when_changed(&out.join("sdk.rs"), &sdk("../plugins/sdk/src")?)?;
    let plugins = match env::var_os("CARGO_FEATURE_BUNDLED") {
        Some(_) => bundled(&folder(&out))?,
        None => Vec::new(),
    };
    let entries: String =
        plugins.iter().map(|(name, path)| format!("    ({name:?}, include_bytes!({path:?})),\n")).collect();
    let text = format!("pub const BUNDLED: &[(&str, &[u8])] = &[\n{entries}];\n");
    write_when_changed(&out.join("bundled.rs"), &text)
}

/// An untouched file keeps its time, so that the program is compiled again only when something came or went.
fn write_when_changed(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    fs::write(path, text)
}

/// The sources of the SDK, which `weir plugin new` writes beside a new plugin. They are named from the manifest on, which
/// the compiler asks for anew: two checkouts that share a target folder share this text too.
fn sdk(folder: &str) -> io::Result<String> {
    println!("cargo::rerun-if-changed={folder}");
    let mut files = Vec::new();
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        files.extend(
            path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".rs")).map(str::to_owned),
        );
    }
    files.sort();
    let text = |name: &str| format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{folder}/{name}\"))");
    let entries: String = files.iter().map(|name| format!("    ({name:?}, {}),\n", text(name))).collect();
    Ok(format!("const SDK: &[(&str, &str)] = &[\n{entries}];\n"))
}

/// `plugins` in the target folder, which lies four levels above the folder of this script's output.
fn folder(out: &Path) -> PathBuf {
    println!("cargo::rerun-if-env-changed=WEIR_BUNDLED_PLUGINS");
    match env::var_os("WEIR_BUNDLED_PLUGINS") {
        Some(folder) => folder.into(),
        None => out.ancestors().nth(4).unwrap_or(out).join("plugins"),
    }
}

/// The components that `bundled.txt` names, in order, so that equal inputs make equal programs. The list is looked at, not
/// the folder: beside the plugins lies everything that they were compiled from.
fn bundled(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let list = folder.join("bundled.txt");
    println!("cargo::rerun-if-changed={}", list.display());
    let missing = |what: &Path, why: &dyn std::fmt::Display| {
        let remedy = "run `make plugins`, or name another folder in WEIR_BUNDLED_PLUGINS";
        io::Error::other(format!("the plugins to bundle are not built: {}: {why}; {remedy}", what.display()))
    };
    let text = fs::read_to_string(&list).map_err(|error| missing(&list, &error))?;
    let mut found = Vec::new();
    for file in text.lines().filter(|line| !line.is_empty()) {
        let path = folder.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        fs::metadata(&path).map_err(|error| missing(&path, &error))?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
        found.push((name.to_owned(), path));
    }
    if found.is_empty() {
        return Err(missing(&list, &"it names none"));
    }
    found.sort();
    Ok(found)
}
