//! `weir wait`: until the server or the database is there.

use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::{Source, Unhealthy, probe};
use crate::app::store_settings;
use crate::config::Config;
use crate::store::Store;

const RETRY_EVERY: Duration = Duration::from_millis(200);
const PROBE_PATIENCE: Duration = Duration::from_secs(5);

/// Wait until the server or the database is there; exit code 4 where it is not in time. For scripts, init containers.
#[derive(clap::Args)]
pub(super) struct Args {
    #[arg(value_enum, default_value_t = What::Server)]
    what: What,
    /// Seconds to wait.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Until the running server is ready.
    Server,
    /// Until the database answers; an SQLite file is always there.
    Store,
    /// Until the database's schema is what this build needs, e.g. after `weir migrate` elsewhere.
    Schema,
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let config = source.load()?;
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    loop {
        let Err(error) = look(args.what, &config).await else { return Ok(()) };
        if Instant::now() + RETRY_EVERY > deadline {
            return Err(Unhealthy(format!("not there after {} s: {error:#}", args.timeout)).into());
        }
        tokio::time::sleep(RETRY_EVERY).await;
    }
}

async fn look(what: What, config: &Config) -> anyhow::Result<()> {
    match what {
        What::Server => {
            let (status, body) = probe::ask(config, "/health/ready", PROBE_PATIENCE).await?;
            anyhow::ensure!(status.is_success(), "the server answered {status}: {body}");
        }
        // Opening the file would take it away from the server that uses it.
        What::Store | What::Schema if config.store.is_embedded() => {}
        What::Store => open(config).await?.ping().await?,
        What::Schema => open(config).await?.check_schema().await?,
    }
    Ok(())
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open(&store_settings(config)?).await?)
}
