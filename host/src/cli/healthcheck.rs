//! `weir healthcheck`: is the server that this configuration describes well.

use std::time::Duration;

use super::{Source, Unhealthy, probe};

/// Ask the running server whether it is well; exit code 4 where it is not. For container health checks.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Ask only whether the process is alive, not whether it can serve.
    #[arg(long)]
    live: bool,
    /// Seconds to wait for the answer.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    timeout: u64,
}

pub(super) async fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    let path = if args.live { "/health/live" } else { "/health/ready" };
    let config = source.load()?;
    match probe::ask(&config, path, Duration::from_secs(args.timeout)).await {
        Ok((status, body)) if status.is_success() => println!("{body}"),
        Ok((status, body)) => return Err(Unhealthy(format!("`GET {path}` answered {status}: {body}")).into()),
        Err(error) => return Err(Unhealthy(format!("{error:#}")).into()),
    }
    Ok(())
}
