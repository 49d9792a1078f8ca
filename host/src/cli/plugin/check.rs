//! `weir plugin check`: what the gates of the server say to a component.

use serde_json::{Value, json};

use super::super::Source;
use super::Refused;
use super::inspect::{TRACK, abilities, listed};
use super::subject::{Component, Grants, Subject};
use crate::plugin::Description;

/// Take a component through every gate of the server: bytes, signature, imports, compiler, trial, settings.
#[derive(clap::Args)]
#[command(after_help = "\
With `--settings` it is configured too, as in a start of the server; without, what it says of itself is the last gate.
Exit code 5 where a gate refuses; the message says what was found, what is expected.")]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    #[command(flatten)]
    grants: Grants,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let checked = check(&args, source).await;
    if json {
        match &checked {
            Ok(report) => println!("{report}"),
            Err(error) => {
                if let Some(refused) = error.downcast_ref::<Refused>() {
                    println!("{}", refused.json());
                }
            }
        }
        return checked.map(drop);
    }
    print!("{}", told(&checked?));
    Ok(())
}

async fn check(args: &Args, source: &Source) -> anyhow::Result<Value> {
    let subject = Subject::open(&args.component, source).await?;
    let is_configured = args.grants.settings.is_some();
    let description: Description = if is_configured {
        subject.guest(&args.grants.entry(&args.component, None)).await?.description().clone()
    } else {
        subject.describe().await?
    };
    Ok(json!({
        "ok": true,
        "sha256": subject.verified.digest.to_string(),
        "signed-by": subject.verified.signed_by.as_ref().map(ToString::to_string),
        "track": TRACK,
        "abilities": abilities(subject.compiled.abilities()),
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "secrets-asked": description.secrets,
        "egress-asked": description.egress,
        "configured": is_configured,
    }))
}

fn told(report: &Value) -> String {
    let text = |key: &str| report[key].as_str().unwrap_or("nobody").to_owned();
    let settings = match report["configured"].as_bool() {
        Some(true) => "accepted",
        _ => "not tried; `--settings FILE` does",
    };
    format!(
        "every gate lets it in: {} {}, {}\n  sha256     {}\n  signed by  {}\n  track      {}\n  abilities  {}\n  \
         secrets    {}\n  origins    {}\n  settings   {settings}\n",
        text("name"),
        text("version"),
        text("summary"),
        text("sha256"),
        text("signed-by"),
        text("track"),
        listed(&report["abilities"]),
        listed(&report["secrets-asked"]),
        listed(&report["egress-asked"]),
    )
}
