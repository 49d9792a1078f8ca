//! The same catalog with plugins that decide: what authorization adds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::granted;
use crate::target::{Target, expect_success};
use crate::wire::{Connection, Request};

/// Two about everybody, the rest about a team each.
const POLICIES: usize = 100;
/// Whose members ask.
pub const TEAMS: usize = POLICIES - 2;

/// What `cedar` is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// Everything, while the dataset is made.
    Open,
    /// 100 policies: what each team may do, and what nobody may.
    Many,
    /// Everything but to see a table.
    Blind,
    /// Somebody may see all, somebody a little, somebody nothing.
    People,
}

impl Policies {
    fn settings(self) -> Value {
        let policies = match self {
            Self::Open => "@id(\"open\") permit (principal, action, resource);".to_owned(),
            Self::Many => many(),
            Self::People => granted::policies(),
            Self::Blind => ["server", "project", "warehouse", "namespace"]
                .map(|kind| {
                    format!("@id(\"{kind}\") permit (principal, action in Weir::Action::\"{kind}\", resource);\n")
                })
                .concat(),
        };
        json!({ "policies": policies })
    }
}

/// Each team reads tables, half of them where a condition holds. Nobody sees what is secret, nobody drops what is protected.
fn many() -> String {
    let mut text = String::from(
        "@id(\"secret\") forbid (principal, action, resource) when { resource.name like \"secret*\" };\n\
         @id(\"protected\") forbid (principal, action == Weir::Action::\"table:drop\", resource)\n\
         when { resource has protected && resource.protected };\n",
    );
    for team in 0..TEAMS {
        let condition = if team % 2 == 0 { "" } else { "when { resource.namespace != \"closed\" }" };
        text.push_str(&format!(
            "@id(\"team-{team}\") permit (principal in Weir::Role::\"bench~team-{team}\", \
             action in Weir::Action::\"read\", resource is Weir::Table) {condition};\n"
        ));
    }
    text
}

/// Four plugins: two that decide who may do what (one of them elsewhere), two that review changes.
pub fn write_configuration(home: &Path) -> Result<()> {
    let elsewhere = "warehouses = ['00000000-0000-0000-0000-000000000001']";
    let configuration = format!(
        "[authorization]\nadministrators = ['anonymous']\n\
         [plugins]\nwatch_ms = 0\n\
         [plugins.load.cedar]\nsource = 'builtin:cedar'\nsettings_file = 'policies.json'\n\
         [plugins.load.cedar-elsewhere]\nsource = 'builtin:cedar'\n{elsewhere}\n\
         [plugins.load.contract]\nsource = 'builtin:contract'\n\
         [plugins.load.contract-elsewhere]\nsource = 'builtin:contract'\n{elsewhere}\n"
    );
    fs::write(home.join("weir.toml"), configuration)?;
    write_policies(home, Policies::Open)
}

fn write_policies(home: &Path, policies: Policies) -> Result<()> {
    Ok(fs::write(home.join("policies.json"), policies.settings().to_string())?)
}

/// Lets the running server decide by other policies.
pub async fn govern(target: &Target, home: &Path, policies: Policies) -> Result<()> {
    write_policies(home, policies)?;
    let reload = Request::new("POST", "/management/v1/plugins/reload", "Host: localhost\r\n", "");
    let mut body = Vec::new();
    let head = Connection::new(target.address).fetch(&reload, &mut body).await?;
    expect_success(head.status, &body)?;
    let answer: Value = serde_json::from_slice(&body).context("the answer to a reload")?;
    ensure!(answer["refused"] == json!({}), "the policies are refused: {}", answer["refused"]);
    Ok(())
}
