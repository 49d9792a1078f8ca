//! `weir plugin new`: a small crate with everything that a plugin needs.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::config::is_name;

// The sources of the SDK, `SDK`: `host/build.rs` writes the list.
include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

const SDK_MANIFEST: &str = include_str!("../../../../plugins/sdk/Cargo.toml");
const SDK_README: &str = include_str!("../../../../plugins/sdk/README.md");
const WORKSPACE_MANIFEST: &str = include_str!("../../../../plugins/Cargo.toml");

/// Where the SDK lies in a new crate. Two levels deep, because it looks for the interface in `../../wit`.
const SDK_FOLDER: &str = "sdk/weir-plugin";

/// Write a small crate, an authorizer or a contract in Rust, that builds with plain cargo.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Its name: lower-case letters, digits and hyphens, beginning with a letter.
    name: String,
    /// What it decides.
    #[arg(long, value_enum, default_value_t = Kind::Authorizer)]
    kind: Kind,
    /// The folder to write; without it one of the plugin's name in this folder.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    /// Who may do what.
    Authorizer,
    /// Which changes of a table are permitted.
    Contract,
}

/// An example of this project, which is the model of what is written.
struct Model {
    name: &'static str,
    manifest: &'static str,
    code: &'static str,
    cases: &'static str,
}

macro_rules! model {
    ($name:literal) => {
        Model {
            name: $name,
            manifest: include_str!(concat!("../../../../examples/", $name, "/Cargo.toml")),
            code: include_str!(concat!("../../../../examples/", $name, "/src/lib.rs")),
            cases: include_str!(concat!("../../../../examples/", $name, "/cases.toml")),
        }
    };
}

impl Kind {
    const fn model(self) -> Model {
        match self {
            Self::Authorizer => model!("policy-plugin"),
            Self::Contract => model!("contract-plugin"),
        }
    }
}

pub(super) fn run(args: &Args, json: bool) -> anyhow::Result<()> {
    if !is_name(&args.name) {
        bail!(
            "`{}` is no name of a plugin: lower-case letters, digits and hyphens are, beginning with a letter",
            args.name
        );
    }
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    if folder.read_dir().is_ok_and(|mut items| items.next().is_some()) {
        bail!("`{}` is there already; name another folder by `--path`", folder.display());
    }
    let files = files(&args.name, &args.kind.model())?;
    for (path, text) in &files {
        write(&folder.join(path), text)?;
    }
    if json {
        let paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
        println!("{}", serde_json::json!({ "folder": folder, "files": paths }));
        return Ok(());
    }
    let module = args.name.replace('-', "_");
    println!(
        "{} is written. In it:\n\n  cargo test\n  cargo build --release --target wasm32-unknown-unknown\n  \
         weir plugin pack target/wasm32-unknown-unknown/release/{module}.wasm\n  weir plugin test {}.wasm cases.toml",
        folder.display(),
        args.name
    );
    Ok(())
}

/// Everything by its path in the new folder.
fn files(name: &str, model: &Model) -> anyhow::Result<Vec<(String, String)>> {
    let manifest = model.manifest.replace(model.name, name).replace("../../plugins/sdk", SDK_FOLDER);
    let mut files = vec![
        ("Cargo.toml".to_owned(), manifest),
        (".gitignore".to_owned(), "/target\n*.wasm\n".to_owned()),
        ("src/lib.rs".to_owned(), model.code.to_owned()),
        ("cases.toml".to_owned(), model.cases.to_owned()),
        ("wit/v0.1/plugin.wit".to_owned(), super::wit::text().to_owned()),
        (format!("{SDK_FOLDER}/Cargo.toml"), sdk_manifest()?),
        (format!("{SDK_FOLDER}/README.md"), SDK_README.to_owned()),
    ];
    files.extend(SDK.iter().map(|(path, text)| (format!("{SDK_FOLDER}/src/{path}"), (*text).to_owned())));
    Ok(files)
}

/// The SDK's manifest without the workspace that it lives in here: what it inherits is written out.
fn sdk_manifest() -> anyhow::Result<String> {
    let mut manifest: toml::Table = SDK_MANIFEST.parse().context("the manifest of the SDK")?;
    let workspace: toml::Table = WORKSPACE_MANIFEST.parse().context("the manifest of the plugins")?;
    let inherited = |section: &str| workspace.get("workspace").and_then(|all| all.get(section)?.as_table());
    for section in ["package", "dependencies"] {
        let Some(table) = manifest.get_mut(section).and_then(toml::Value::as_table_mut) else { continue };
        for (key, value) in table.iter_mut() {
            let is_inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if let (true, Some(written)) = (is_inherited, inherited(section).and_then(|all| all.get(key))) {
                *value = written.clone();
            }
        }
    }
    manifest.remove("lints");
    Ok(toml::to_string(&manifest)?)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    written.with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_written_leans_on_this_repository() {
        for kind in [Kind::Authorizer, Kind::Contract] {
            for (path, text) in files("my-policy", &kind.model()).expect("it is written") {
                assert!(!path.ends_with("Cargo.toml") || !text.contains("workspace = true"), "{path}:\n{text}");
                assert!(!path.ends_with("Cargo.toml") || !text.contains("../.."), "{path}:\n{text}");
            }
        }
    }
}
