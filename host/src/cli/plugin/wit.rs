//! `weir plugin wit`: the interface of plugins, as this program has it.

use crate::catalog::action::page;

const WIT: &str = include_str!("../../../../wit/v0.1/plugin.wit");

/// Print the WIT package that plugins are built against.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print the catalogue of actions instead, with what comes along with each.
    #[arg(long)]
    actions: bool,
}

pub(super) fn run(args: &Args, json: bool) -> anyhow::Result<()> {
    let text = if args.actions { page() } else { WIT.to_owned() };
    if json {
        println!("{}", serde_json::json!({ "track": super::inspect::TRACK, "text": text }));
    } else {
        print!("{text}");
    }
    Ok(())
}

/// The text itself, for crates that are written.
pub(super) const fn text() -> &'static str {
    WIT
}
