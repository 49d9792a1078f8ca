//! Turns core modules into components: `weir-componentize FOLDER FILE.wasm|FILE.wat…`.
//!
//! A `.wasm` file is a core module that carries its world in a custom section, as wit-bindgen leaves it there. A `.wat` file
//! is text that is written down as it stands, for fixtures that no compiler would produce.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(folder) = arguments.next() else {
        bail!("usage: weir-componentize FOLDER FILE.wasm|FILE.wat…");
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    for source in arguments {
        let bytes = component(&source).with_context(|| source.display().to_string())?;
        write_when_changed(&target(&folder, &source)?, &bytes)?;
    }
    Ok(())
}

fn component(source: &Path) -> Result<Vec<u8>> {
    if source.extension().is_some_and(|extension| extension == "wat") {
        return Ok(wat::parse_file(source)?);
    }
    let module = std::fs::read(source)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

/// `weir_plugin_cedar.wasm` becomes `cedar.wasm`, `allow_all.wat` becomes `allow-all.wasm`.
fn target(folder: &Path, source: &Path) -> Result<PathBuf> {
    let stem = source.file_stem().and_then(|stem| stem.to_str()).context("a file name in UTF-8")?;
    let name = stem.strip_prefix("weir_plugin_").unwrap_or(stem).replace('_', "-");
    Ok(folder.join(name).with_extension("wasm"))
}

/// An untouched file keeps its time, so that what embeds it is not compiled again; a rename shows it whole or not at all.
fn write_when_changed(target: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(target).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let draft = target.with_extension(format!("wasm.{}", std::process::id()));
    std::fs::write(&draft, bytes).with_context(|| format!("write {}", draft.display()))?;
    std::fs::rename(&draft, target).with_context(|| format!("write {}", target.display()))?;
    println!("{} {} bytes", target.display(), bytes.len());
    Ok(())
}
