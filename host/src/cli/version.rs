//! `weir version`: what this build is.

/// Print the version of this build.
#[derive(clap::Args)]
pub(super) struct Args {
    /// As one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        println!("{}", serde_json::json!({ "version": version, "otlp": cfg!(feature = "otlp") }));
    } else {
        println!("weir {version}");
    }
    Ok(())
}
