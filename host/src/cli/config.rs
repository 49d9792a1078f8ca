//! `weir config`: check, show or document the configuration.

use clap::Subcommand;

use super::Source;
use crate::config;

/// Check, show or document the configuration.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Report every problem at once; exit code 3 where there is one.
    Check,
    /// Print what is in force: defaults, file, variables. Secrets are not shown.
    Show,
    /// Print the JSON schema, for editors.
    Schema,
    /// Print the reference page (host/CONFIG.md).
    Reference,
}

pub(super) fn run(args: Args, source: &Source) -> anyhow::Result<()> {
    match args.what {
        What::Check => {
            source.load()?;
            println!("the configuration is fine");
        }
        What::Show => print!("{}", toml::to_string_pretty(&source.load()?)?),
        What::Schema => println!("{}", serde_json::to_string_pretty(&config::schema())?),
        What::Reference => print!("{}", config::reference()),
    }
    Ok(())
}
