//! `weir plugin test`: a plugin against a file of cases.

use std::path::PathBuf;

use serde_json::json;

use super::super::Source;
use super::Unexpected;
use super::cases::{Case, Cases, Said};
use super::subject::{Component, Grants, Subject};

/// Ask a plugin what a file of cases asks, compare the answers. Exit code 6 where one differs.
#[derive(clap::Args)]
#[command(after_help = "\
Cases are TOML or JSON:
  settings = { readers = ['analyst'] }     what the plugin is configured with, unless --settings names a file

  [[case]]                                 a question to an authorizer
  who = { id = 'bob', roles = ['analyst'] }
  action = 'table:read'
  object = 'sales.orders'
  attributes = { protected = true }
  expect = 'allow'                         allow, deny, abstain, or the code of a fault
  rules = ['readers']                      which rule must have decided; may be left out

  [[case]]                                 a change for a contract
  operation = 'commit'
  object = 'sales.orders'
  before.columns = [{ id = 1, name = 'price', type = 'double' }]
  after.columns = []
  expect = 'block'                         pass, warn, block, or the code of a fault

Configuring the plugin runs the tests that it carries itself (`cedar` has them in its settings).")]
pub(super) struct Args {
    #[command(flatten)]
    component: Component,
    /// The file of cases.
    #[arg(value_name = "CASES")]
    cases: PathBuf,
    #[command(flatten)]
    grants: Grants,
}

pub(super) async fn run(args: Args, source: &Source, json: bool) -> anyhow::Result<()> {
    let cases = Cases::read(&args.cases)?;
    let subject = Subject::open(&args.component, source).await?;
    let guest = subject.guest(&args.grants.entry(&args.component, cases.settings.clone())).await?;
    let mut outcomes = Vec::with_capacity(cases.cases.len());
    for case in &cases.cases {
        let said = case.ask(&guest).await.map_err(|why| anyhow::anyhow!("the case `{}`: {why}", case.title()))?;
        outcomes.push((case, case.difference(&said), said));
    }
    if json {
        println!("{}", report(&outcomes));
    } else {
        for (case, difference, _) in &outcomes {
            let end = difference.as_ref().map_or(String::new(), |why| format!(": {why}"));
            println!("{} {}{end}", if difference.is_none() { "ok  " } else { "FAIL" }, case.title());
        }
    }
    let failed = outcomes.iter().filter(|(_, difference, _)| difference.is_some()).count();
    match (failed, outcomes.len()) {
        (_, 0) => anyhow::bail!("{} holds no case", args.cases.display()),
        (0, all) => {
            if !json {
                println!("{all} cases, all as expected");
            }
            Ok(())
        }
        (failed, all) => {
            Err(Unexpected(format!("{failed} of {all} cases are answered otherwise than expected")).into())
        }
    }
}

fn report(outcomes: &[(&Case, Option<String>, Said)]) -> serde_json::Value {
    let cases = outcomes.iter().map(|(case, difference, said)| {
        json!({
            "case": case.title(),
            "ok": difference.is_none(),
            "answer": said.word,
            "rules": said.rules,
            "why": said.why,
            "difference": difference,
        })
    });
    json!({ "ok": outcomes.iter().all(|(_, difference, _)| difference.is_none()), "cases": cases.collect::<Vec<_>>() })
}
