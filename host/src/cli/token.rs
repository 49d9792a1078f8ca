//! `weir token`: short-lived tokens from the catalog's own key.

use anyhow::{Context, bail};

use super::Source;
use crate::app::Clock;
use crate::auth::{Grant, LocalKey, new_client_secret};

/// Issue a token that this catalog accepts, signed with the key of [auth.local].
#[derive(clap::Args)]
#[command(after_help = "\
The key is made at the first use, readable by its owner alone; a running catalog has to be started again to see it.
Who is named becomes `local~<subject>`, a role `local~<role>`. Examples:
  weir token --subject alice
  weir token --subject etl --role writer --lifetime-s 900
  weir token --new-client nightly      a secret with its lines for weir.toml")]
pub(super) struct Args {
    /// Whom the token names.
    #[arg(long, value_name = "NAME", required_unless_present = "new_client")]
    subject: Option<String>,
    /// A role that the token names; may come several times.
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// How long it lives; without it as `auth.local.lifetime_s` says.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    lifetime_s: Option<u32>,
    /// Make a secret for a client of the token endpoint instead.
    #[arg(long, value_name = "ID", conflicts_with_all = ["subject", "roles", "lifetime_s"])]
    new_client: Option<String>,
}

pub(super) fn run(args: &Args, source: &Source) -> anyhow::Result<()> {
    if let Some(id) = &args.new_client {
        return new_client(id);
    }
    let config = source.load()?;
    let Some(section) = &config.auth.local else {
        bail!(
            "this catalog issues no tokens: add `[auth.local]` to its configuration, or set WEIR__AUTH__LOCAL__KEY_FILE"
        );
    };
    let subject = args.subject.as_deref().context("`--subject` says whom the token names")?;
    let key = LocalKey::open_or_make(&section.key_file)?;
    let lifetime_s = args.lifetime_s.unwrap_or(section.lifetime_s);
    let grant = Grant { issuer: &section.issuer, subject, roles: &args.roles, lifetime_s, is_client: false };
    println!("{}", key.token(&grant, Clock::default().now_ms())?);
    Ok(())
}

fn new_client(id: &str) -> anyhow::Result<()> {
    let (secret, digest) = new_client_secret()?;
    eprintln!("give the client this secret; it is shown once:");
    println!("{secret}");
    eprintln!("\nand weir.toml these lines:\n\n[auth.local]\ntoken_endpoint = true\n");
    eprintln!("[auth.local.clients.{}]\nsecret_sha256 = \"{digest}\"", toml::Value::from(id));
    Ok(())
}
