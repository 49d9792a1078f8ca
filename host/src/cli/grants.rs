//! `weir grants`: what plugins keep about who may do what.

use anyhow::ensure;

use super::Source;
use crate::app::{App, Clock};
use crate::tasks::reconcile::reconcile;

/// Look after the grants that plugins keep.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Compare what plugins keep with what the catalog has. A server may go on meanwhile.
    Reconcile {
        /// Have the plugins forget what is gone, mend what lies elsewhere now.
        #[arg(long)]
        repair: bool,
    },
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let Verb::Reconcile { repair } = args.verb;
    let app = App::open(source.load()?, Clock::default()).await?;
    let keepers = app.plugins.current().granters().count();
    ensure!(keepers > 0, "no plugin in place keeps grants; `[plugins.load.openfga]` would be one");
    let found = reconcile(&app, repair).await?;
    for gone in &found.gone {
        println!("{gone} is gone from the catalog");
    }
    let done = if repair { "forgotten, the others are mended" } else { "still kept; `--repair` has them forgotten" };
    eprintln!("{} objects with grants, {} of them gone: {done}", found.known, found.gone.len());
    app.store.close().await;
    Ok(())
}
