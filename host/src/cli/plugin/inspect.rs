//! `weir plugin inspect`: what a component is, what it asks for.

use serde_json::{Value, json};

use super::super::Source;
use super::subject::{Component, Subject};
use crate::plugin::{Abilities, Description};

/// The track of the interface that this host implements.
pub(super) const TRACK: &str = "0.1";

/// Show a component's world, imports, exports, description, the schema of its settings, the grants that it asks for.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let subject = Subject::open(&args.component, source).await?;
    let report = report(&subject, &subject.describe().await?);
    if json {
        println!("{report}");
    } else {
        print!("{}", told(&report)?);
    }
    Ok(())
}

fn report(subject: &Subject, description: &Description) -> Value {
    let compiled = &subject.compiled;
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap_or(Value::Null);
    json!({
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "sha256": subject.verified.digest.to_string(),
        "bytes": subject.verified.bytes.len(),
        "signed-by": subject.verified.signed_by.as_ref().map(ToString::to_string),
        "track": TRACK,
        "world": world(compiled.abilities()),
        "abilities": abilities(compiled.abilities()),
        "imports": compiled.imports(),
        "exports": compiled.exports(),
        "secrets-asked": description.secrets,
        "egress-asked": description.egress,
        "claims-asked": description.claims,
        "settings-schema": schema,
    })
}

/// The usual world that these exports make; one of its own where there is more than one ability.
fn world(abilities: &Abilities) -> &'static str {
    match (abilities.authorizer, abilities.contract, abilities.storage) {
        (true, false, false) => "authorizer-plugin",
        (false, true, false) => "contract-plugin",
        (false, false, true) => "storage-plugin",
        _ => "plugin",
    }
}

pub(super) fn abilities(found: &Abilities) -> Vec<&'static str> {
    let all = [
        ("authorizer", found.authorizer),
        ("authorizer-plan", found.authorizer_plan),
        ("authorizer-events", found.authorizer_events),
        ("authorizer-grants", found.authorizer_grants),
        ("contract", found.contract),
        ("contract-transaction", found.contract_transaction),
        ("storage", found.storage),
    ];
    all.into_iter().filter_map(|(name, has)| has.then_some(name)).collect()
}

/// A list of texts in one line.
pub(super) fn listed(list: &Value) -> String {
    let texts: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
}

fn told(report: &Value) -> anyhow::Result<String> {
    let text = |key: &str| report[key].as_str().unwrap_or("nobody").to_owned();
    let mut told = format!(
        "{} {}: {}\n\n  world     weir:plugin/{}@{}.0\n  sha256    {} ({} bytes)\n  signed by {}\n",
        text("name"),
        text("version"),
        text("summary"),
        text("world"),
        TRACK,
        text("sha256"),
        report["bytes"],
        text("signed-by"),
    );
    for (title, key) in [
        ("exports  ", "exports"),
        ("imports  ", "imports"),
        ("secrets  ", "secrets-asked"),
        ("origins  ", "egress-asked"),
        ("claims   ", "claims-asked"),
    ] {
        told.push_str(&format!("  {title} {}\n", listed(&report[key])));
    }
    told.push_str("\nThe schema of its settings:\n");
    told.push_str(&serde_json::to_string_pretty(&report["settings-schema"])?);
    told.push('\n');
    Ok(told)
}
