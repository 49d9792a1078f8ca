//! `weir version`: what this build is.

use crate::plugin::load::BUNDLED;

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
        let plugins: Vec<&str> = BUNDLED.iter().map(|(name, _)| *name).collect();
        let compiler = cfg!(feature = "compiler");
        let built = serde_json::json!({
            "version": version, "otlp": cfg!(feature = "otlp"), "nats": cfg!(feature = "nats"), "compiler": compiler, "plugins": plugins,
        });
        println!("{built}");
    } else {
        println!("weir {version}");
    }
    Ok(())
}
