//! `weir migrate`: brings the store's schema up to this build.

use std::time::SystemTime;

use super::Source;
use crate::app::store_settings;
use crate::store::Store;

/// Bring the store's schema up to this build; harmless where it is there already. `weir serve` does it at start unless
/// `[store] migrate_at_start = false`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only say whether something is to be done: exit code 1 where it is.
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let store = Store::open(&store_settings(&source.load()?)?).await?;
    if args.check {
        store.check_schema().await?;
        println!("{}: the schema is up to date", store.url());
        return Ok(());
    }
    let migrated = store.migrate(now_ms()?).await?;
    for migration in &migrated.applied {
        println!("applied {migration}");
    }
    println!("{}: the schema is at {}", store.url(), migrated.schema);
    store.close().await;
    Ok(())
}

pub(super) fn now_ms() -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?)
}
