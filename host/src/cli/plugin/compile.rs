//! `weir plugin compile`: native code ahead of time, for hosts without a compiler.

use std::path::PathBuf;

use super::super::Source;
use super::subject::{Component, Subject};

/// Compile a plugin ahead of time, for programs that were built without the compiler.
#[derive(clap::Args)]
#[command(after_help = "\
The file fits this version of weir on this kind of machine, with `plugins.small` as it is configured here. It is native
code, so a server takes it only signed or pinned: `sha256` of the declaration is that of the compiled file.")]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    /// Where the compiled plugin goes.
    #[arg(short, long, value_name = "FILE.cwasm")]
    output: PathBuf,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let subject = Subject::open(&args.component, source).await?;
    // What does not start here would not start there.
    subject.describe().await?;
    let code = subject.compiled.code().map_err(super::Refused::from)?;
    super::pack::write(&args.output, &code)?;
    let sha256 = crate::plugin::load::Digest::of(&code).to_string();
    if json {
        println!("{}", serde_json::json!({ "compiled": args.output, "sha256": sha256, "bytes": code.len() }));
    } else {
        println!("{}: {} bytes, sha256 {sha256}", args.output.display(), code.len());
    }
    Ok(())
}
