//! `weir plugin run`: one question, one answer.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value as Json, json};

use super::super::Source;
use super::NoAnswer;
use super::cases::word;
use super::question::{Place, Who, kind_of};
use super::subject::{Component, Grants, Subject};

/// Ask an authorizer one question. Exit code 0 whatever the verdict, 7 where it gives none.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  weir plugin run policy.wasm --settings policy.toml --principal bob --role analyst \\
      --action table:read --object sales.orders --attribute protected=true")]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    #[command(flatten)]
    grants: Grants,
    #[command(flatten)]
    asked: Asked,
}

/// The question; `weir plugin bench` asks it, too.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// Who asks, by id.
    #[arg(long, default_value = "anonymous", value_name = "ID")]
    principal: String,
    /// A role of the caller.
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// What is asked: an action of `weir plugin wit --actions`.
    #[arg(long, default_value = "table:read", value_name = "ACTION")]
    pub action: String,
    /// The path of the object in the warehouse; empty for the warehouse itself.
    #[arg(long, default_value = "sales.orders", value_name = "PATH")]
    pub object: String,
    #[arg(long, default_value = "lake", value_name = "NAME")]
    pub warehouse: String,
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub project: String,
    /// A fact that comes along: `protected=true`, `property.owner=bob`.
    #[arg(long, value_name = "KEY=VALUE", value_parser = fact)]
    attribute: Vec<(String, Json)>,
}

/// `true`, `42` stand for themselves, everything else is a text.
fn fact(text: &str) -> Result<(String, Json), String> {
    let (key, value) = text.split_once('=').ok_or("`<key>=<value>` is expected")?;
    let parsed = serde_json::from_str(value).ok().filter(|value: &Json| value.is_boolean() || value.is_i64());
    Ok((key.to_owned(), parsed.unwrap_or_else(|| Json::String(value.to_owned()))))
}

impl Asked {
    pub fn who(&self) -> Who {
        Who { id: self.principal.clone(), roles: self.role.clone(), ..Who::default() }
    }

    pub fn facts(&self) -> BTreeMap<String, Json> {
        self.attribute.iter().cloned().collect()
    }

    pub fn place<'a>(&'a self, path: &'a str, facts: &'a BTreeMap<String, Json>) -> Place<'a> {
        Place {
            kind: kind_of(&self.action),
            project: &self.project,
            warehouse: &self.warehouse,
            path,
            attributes: facts,
        }
    }
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let subject = Subject::open(&args.component, source).await?;
    let guest = subject.guest(&args.grants.entry(&args.component, None)).await?;
    let call = args.asked.who().call(super::bench::now_ms()).map_err(anyhow::Error::msg)?;
    let facts = args.asked.facts();
    let check = args.asked.place(&args.asked.object, &facts).check(&args.asked.action).map_err(anyhow::Error::msg)?;
    let started = Instant::now();
    let answer = guest.authorize(&call, &[check]).await;
    let took = started.elapsed();
    let verdicts = answer.map_err(|fault| NoAnswer { code: fault.code(), message: fault.to_string() })?;
    let verdict = verdicts.first().ok_or_else(|| anyhow::anyhow!("the plugin gave no verdict"))?;
    if json {
        println!(
            "{}",
            json!({
                "verdict": word(verdict.effect),
                "rule": verdict.rule,
                "reason": verdict.reason,
                "duration-us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            })
        );
        return Ok(());
    }
    println!("{} ({} µs)", word(verdict.effect), took.as_micros());
    for (title, text) in [("rule", &verdict.rule), ("reason", &verdict.reason)] {
        if let Some(text) = text {
            println!("  {title}: {text}");
        }
    }
    Ok(())
}
