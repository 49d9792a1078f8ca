//! `weir plugin pack`: a component, made of the core module that a compiler left.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// Make a component of the core module that `cargo build --target wasm32-unknown-unknown` left.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The core module.
    #[arg(value_name = "MODULE")]
    module: PathBuf,
    /// Where the component goes; without it `<name>.wasm` in this folder, named as plugins are.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &Args, json: bool) -> anyhow::Result<()> {
    let stem = args.module.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.wasm", stem.replace('_', "-"))));
    let module = std::fs::read(&args.module).with_context(|| format!("read {}", args.module.display()))?;
    let component = packed(&module).with_context(|| format!("{} becomes no component", args.module.display()))?;
    anyhow::ensure!(output != args.module, "{} would be written over; name another file by `-o`", output.display());
    write(&output, &component)?;
    if json {
        println!("{}", serde_json::json!({ "component": output, "bytes": component.len() }));
    } else {
        println!("{}: {} bytes", output.display(), component.len());
    }
    Ok(())
}

#[cfg(feature = "compiler")]
fn packed(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()
}

#[cfg(not(feature = "compiler"))]
fn packed(_module: &[u8]) -> anyhow::Result<Vec<u8>> {
    anyhow::bail!("this build of weir has no compiler (feature `compiler`): pack it with a full build")
}

/// Whole or not at all: a server may watch the folder.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::Builder::new().prefix(".weir-").tempfile_in(folder).and_then(|draft| {
        std::fs::write(draft.path(), bytes)?;
        readable_by_all(draft.path())?;
        draft.persist(path).map_err(|error| error.error)
    });
    written.map(drop).with_context(|| format!("write {}", path.display()))
}

/// A temporary file is its maker's alone, but a server may run as another user.
fn readable_by_all(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}
