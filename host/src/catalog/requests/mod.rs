//! The bodies of table requests, as strict as the rules need them.

mod payload;
mod requirement;
mod update;

use indexmap::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::ident::{Namespace, TableIdent};
use super::json::{self, Text};
use super::partition::UnboundSpec;
use super::schema::Schema;
use super::sort::SortOrder;
use crate::error::Error;

pub use requirement::TableRequirement;
pub use update::{Manifests, NewSchema, NewSpec, TableUpdate};

/// `POST …/tables`.
#[derive(Debug)]
pub struct CreateTable {
    pub name: String,
    pub location: Option<String>,
    pub schema: Schema,
    pub partition_spec: Option<UnboundSpec>,
    pub write_order: Option<SortOrder>,
    pub stage_create: bool,
    pub properties: IndexMap<String, String>,
}

/// `POST …/tables/{table}`, or one change of a transaction.
#[derive(Debug)]
pub struct CommitTable {
    pub identifier: Option<TableIdent>,
    pub requirements: Vec<TableRequirement>,
    pub updates: Vec<TableUpdate>,
}

/// `POST …/transactions/commit`.
#[derive(Debug)]
pub struct CommitTransaction {
    pub table_changes: Vec<CommitTable>,
}

/// `POST …/register`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RegisterTable {
    pub name: String,
    pub metadata_location: String,
    #[serde(default, deserialize_with = "null_as_default")]
    pub overwrite: bool,
}

impl CreateTable {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Body {
            name: String,
            #[serde(default)]
            location: Option<String>,
            schema: Text,
            #[serde(default)]
            partition_spec: Option<UnboundSpec>,
            #[serde(default)]
            write_order: Option<SortOrder>,
            #[serde(default, deserialize_with = "null_as_default")]
            stage_create: bool,
            #[serde(default, deserialize_with = "null_as_default")]
            properties: IndexMap<String, String>,
        }
        let body: Body = read(body, "create table")?;
        Ok(Self {
            name: body.name,
            location: body.location,
            schema: Schema::parse(&body.schema)?,
            partition_spec: body.partition_spec,
            write_order: body.write_order,
            stage_create: body.stage_create,
            properties: body.properties,
        })
    }
}

impl CommitTable {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read::<CommitBody<'_>>(body, "commit table")?.resolve()
    }
}

impl CommitTransaction {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Body<'a> {
            #[serde(borrow)]
            table_changes: Vec<CommitBody<'a>>,
        }
        let body: Body<'_> = read(body, "commit transaction")?;
        let table_changes = body.table_changes.into_iter().map(CommitBody::resolve).collect::<Result<_, _>>()?;
        Ok(Self { table_changes })
    }
}

impl RegisterTable {
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        read(body, "register table")
    }
}

/// A commit whose requirements and updates are still text, so that a mistake in one can be named.
#[derive(Deserialize)]
struct CommitBody<'a> {
    #[serde(default)]
    identifier: Option<IdentifierBody>,
    #[serde(default, borrow)]
    requirements: Vec<&'a RawValue>,
    #[serde(default, borrow)]
    updates: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct IdentifierBody {
    namespace: Vec<String>,
    name: String,
}

impl CommitBody<'_> {
    fn resolve(self) -> Result<CommitTable, Error> {
        let identifier = match self.identifier {
            Some(body) => Some(TableIdent::parse(Namespace::parse(body.namespace)?, body.name)?),
            None => None,
        };
        Ok(CommitTable {
            identifier,
            requirements: each("requirements", &self.requirements, TableRequirement::parse)?,
            updates: each("updates", &self.updates, TableUpdate::parse)?,
        })
    }
}

fn each<T>(list: &str, texts: &[&RawValue], parse: impl Fn(&str) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    texts
        .iter()
        .enumerate()
        .map(|(at, text)| parse(text.get()).map_err(|error| Error::BadRequest(format!("{list}[{at}]: {error}"))))
        .collect()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, Error> {
    let text = json::check(body)?;
    serde_json::from_str(text).map_err(|error| Error::BadRequest(format!("this is not a {what} request: {error}")))
}

/// Some clients send `null` for what they leave out.
fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
