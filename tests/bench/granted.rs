//! People who may see all, a little, or nothing of a large namespace: their rights as policies, as grants.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use weir_tests::OpenFga;

use crate::target::{Target, encode, expect_success};
use crate::wire::{Connection, Request};

/// The reader may see one table of so many.
pub const ONE_OF: usize = 100;

/// Somebody who lists the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    /// May do everything.
    Admin,
    /// Sees one table of a hundred.
    Reader,
    /// Sees the namespace, none of its tables.
    Stranger,
}

impl Person {
    pub const ALL: [Self; 3] = [Self::Admin, Self::Reader, Self::Stranger];

    /// By which number the generator makes tokens of theirs.
    pub const fn number(self) -> usize {
        self as usize
    }

    fn id(self) -> String {
        format!("bench~user-{}", self.number())
    }

    pub const fn sees_of(self, tables: usize) -> usize {
        match self {
            Self::Admin => tables,
            Self::Reader => tables.div_ceil(ONE_OF),
            Self::Stranger => 0,
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Admin => "admin",
            Self::Reader => "reader",
            Self::Stranger => "stranger",
        })
    }
}

/// Their rights by policies; the generator, who has no token, prepares everything.
pub fn policies() -> String {
    let [admin, reader, stranger] = Person::ALL.map(Person::id);
    let way = ["server", "project", "warehouse", "namespace"]
        .map(|kind| format!("action in Weir::Action::\"{kind}\""))
        .map(|action| {
            format!("permit (principal == Weir::User::\"{reader}\", {action}, resource);\n")
                + &format!("permit (principal == Weir::User::\"{stranger}\", {action}, resource);\n")
        })
        .concat();
    format!(
        "@id(\"generator\") permit (principal == Weir::User::\"anonymous\", action, resource);\n\
         @id(\"admin\") permit (principal == Weir::User::\"{admin}\", action, resource);\n\
         @id(\"reader\") permit (principal == Weir::User::\"{reader}\", action in Weir::Action::\"read\", resource)\n\
         when {{ resource is Weir::Table && resource.name like \"*00\" }};\n{way}"
    )
}

/// A catalog in which the plugin `openfga` decides by what this server keeps.
pub fn write_configuration(home: &Path, openfga: &OpenFga) -> Result<()> {
    let url = openfga.url();
    let configuration = format!(
        "[authorization]\nadministrators = ['anonymous']\n\
         [plugins]\nwatch_ms = 0\n\
         [plugins.load.openfga]\nsource = 'builtin:openfga'\negress = ['{url}']\nallow_private = true\n\
         settings = {{ url = '{url}', administrators = ['anonymous'] }}\n\
         limits = {{ deadline_ms = 10000, http_calls_max = 1000, http_bytes_max = 67108864, instances_max = 32 }}\n"
    );
    Ok(fs::write(home.join("weir.toml"), configuration)?)
}

/// Gives the admin everything.
pub async fn grant_everything(target: &Target) -> Result<()> {
    assign(target, "server", "operator", Person::Admin).await
}

/// Their rights as grants, on the namespace of this path.
pub async fn grant(target: &Target, namespace: &str) -> Result<()> {
    grant_everything(target).await?;
    let listed = target.json(&target.get(&format!("{namespace}/tables?returnUuids=true"))).await?;
    let tables = list(&listed, "identifiers")?.iter().zip(list(&listed, "table-uuids")?);
    for (table, id) in tables.filter(|(table, _)| table["name"].as_str().is_some_and(|name| name.ends_with("00"))) {
        let id = id.as_str().with_context(|| format!("no id of {table}"))?;
        assign(target, &format!("warehouse/{}/table/{id}", target.warehouse()), "select", Person::Reader).await?;
    }
    // Whoever may see something below sees the way to it.
    let name = namespace.rsplit('/').next().unwrap_or_default();
    target.json(&target.post("/namespaces", &json!({ "namespace": [name, "below"] }).to_string())).await?;
    let below = target.get(&format!("/namespaces?parent={}&returnUuids=true", encode(name)));
    let below = target.json(&below).await?;
    let id =
        list(&below, "namespace-uuids")?.first().and_then(Value::as_str).context("no id of the namespace below")?;
    assign(target, &format!("namespace/{id}"), "describe", Person::Stranger).await
}

fn list<'a>(answer: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    answer[name].as_array().with_context(|| format!("no `{name}` in {answer}"))
}

async fn assign(target: &Target, object: &str, privilege: &str, person: Person) -> Result<()> {
    let path = format!("/management/v1/permissions/{object}/assignments");
    let body = json!({ "writes": [{ "type": privilege, "user": person.id() }] }).to_string();
    let request = Request::new("POST", &path, "Host: localhost\r\n", &body);
    let mut answer = Vec::new();
    let head = Connection::new(target.address).fetch(&request, &mut answer).await?;
    expect_success(head.status, &answer)
}

/// That they see what they may, before it is measured how fast.
pub fn expect_sight(person: Person, tables: usize, seen: usize) -> Result<()> {
    let may = person.sees_of(tables);
    ensure!(seen == may, "the {person} may see {may} of {tables} tables, and is shown {seen}");
    Ok(())
}
