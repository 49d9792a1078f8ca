//! Prepares what is measured through the catalog's own API, in namespaces that no other run has.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bodies::{Append, commit_appends, create_table};
use crate::listing;
use crate::target::{Target, expect_success};
use crate::wire::{Connection, Request};

/// How many clients prepare at a time.
const CLIENTS: usize = 8;
/// A table with many snapshots gets them in commits of this many, which no server's body limit minds.
const SNAPSHOTS_PER_COMMIT: i64 = 50;

/// A table of the dataset.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its path behind the warehouse's prefix.
    pub path: String,
    pub uuid: String,
    pub location: String,
}

/// What this run has put into the catalog.
#[derive(Debug)]
pub struct Dataset {
    /// The URL of the storage, where it is a bucket.
    pub storage: Option<String>,
    target: Target,
    /// Tells this run's namespaces from everybody else's.
    tag: String,
    namespaces: Vec<String>,
    tables: BTreeMap<String, Table>,
}

impl Dataset {
    /// Nothing is created before it is asked for.
    pub fn new(target: &Target) -> Self {
        let tag = format!("weir_bench_{:x}_{:x}", now_ms(), std::process::id());
        Self { storage: None, target: target.clone(), tag, namespaces: Vec::new(), tables: BTreeMap::new() }
    }

    /// The table with ten columns, this many snapshots.
    pub async fn table(&mut self, snapshots: i64) -> Result<Table> {
        self.named_table(format!("snapshots_{snapshots}"), snapshots).await
    }

    /// So many tables without snapshots, each to be written by its own client.
    pub async fn tables(&mut self, count: usize) -> Result<Vec<Table>> {
        let mut tables = Vec::with_capacity(count);
        for at in 0..count {
            tables.push(self.named_table(format!("own_{at}"), 0).await?);
        }
        Ok(tables)
    }

    /// The one table that everybody writes; its snapshots are there to be moved between.
    pub async fn contended_table(&mut self, snapshots: i64) -> Result<Table> {
        self.named_table(format!("contended_{snapshots}"), snapshots).await
    }

    /// The path of a namespace with exactly so many tables.
    pub async fn crowd(&mut self, tables: usize) -> Result<String> {
        let purpose = format!("crowd_{tables}");
        let known = self.namespaces.len();
        let path = self.namespace(&purpose).await?;
        if self.namespaces.len() > known {
            let (target, tables_path) = (self.target.clone(), format!("{path}/tables"));
            let create = (0..tables).map(|at| target.post(&tables_path, &create_table(&format!("table_{at:06}"))));
            spread(&target, create).await?;
            let found = listing::names(&self.target, &format!("{path}/tables")).await?.len();
            ensure!(found == tables, "the namespace of {tables} tables lists {found}");
        }
        Ok(path)
    }

    /// The paths of so many tables that nobody has loaded.
    pub async fn fresh_tables(&mut self, purpose: &str, tables: usize) -> Result<Vec<String>> {
        let (target, path) = (self.target.clone(), format!("{}/tables", self.namespace(purpose).await?));
        let name = |at: usize| format!("table_{at:06}");
        spread(&target, (0..tables).map(|at| target.post(&path, &create_table(&name(at))))).await?;
        Ok((0..tables).map(|at| format!("{path}/{}", name(at))).collect())
    }

    /// The same, and whether it was made just now.
    pub async fn crowd_is_new(&mut self, tables: usize) -> Result<(String, bool)> {
        let known = self.namespaces.len();
        let path = self.crowd(tables).await?;
        Ok((path, self.namespaces.len() > known))
    }

    /// The path of a namespace of this run.
    pub async fn namespace(&mut self, purpose: &str) -> Result<String> {
        let name = format!("{}_{purpose}", self.tag);
        let path = format!("/namespaces/{name}");
        if !self.namespaces.contains(&path) {
            let create = self.target.post("/namespaces", &json!({"namespace": [name]}).to_string());
            self.target.json(&create).await.with_context(|| format!("creating the namespace {name}"))?;
            self.namespaces.push(path.clone());
        }
        Ok(path)
    }

    async fn named_table(&mut self, name: String, snapshots: i64) -> Result<Table> {
        if let Some(table) = self.tables.get(&name) {
            return Ok(table.clone());
        }
        let namespace = self.namespace("tables").await?;
        let create = self.target.post(&format!("{namespace}/tables"), &create_table(&name));
        let answer = self.target.json(&create).await.with_context(|| format!("creating the table {name}"))?;
        let member = |key: &str| -> Result<String> {
            let value = answer["metadata"][key].as_str();
            Ok(value.with_context(|| format!("the created table has no `{key}`"))?.trim_end_matches('/').to_owned())
        };
        let path = format!("{namespace}/tables/{name}");
        let table = Table { path, uuid: member("table-uuid")?, location: member("location")? };
        self.append(&table, snapshots).await.with_context(|| format!("adding {snapshots} snapshots to {name}"))?;
        self.tables.insert(name, table.clone());
        Ok(table)
    }

    async fn append(&self, table: &Table, snapshots: i64) -> Result<()> {
        let start_ms = now_ms();
        let append = |sequence_number| Append {
            location: &table.location,
            sequence_number,
            timestamp_ms: start_ms + sequence_number,
        };
        let numbers: Vec<i64> = (1..=snapshots).collect();
        for batch in numbers.chunks(usize::try_from(SNAPSHOTS_PER_COMMIT)?) {
            let appends: Vec<Append> = batch.iter().copied().map(append).collect();
            self.target.json(&self.target.post(&table.path, &commit_appends(&table.uuid, &appends))).await?;
        }
        Ok(())
    }

    /// Removes all of it from the catalog.
    pub async fn remove(&self) -> Result<()> {
        for namespace in &self.namespaces {
            let tables = format!("{namespace}/tables");
            let names = listing::names(&self.target, &tables).await?;
            let target = self.target.clone();
            spread(&self.target, names.into_iter().map(|name| target.delete(&format!("{tables}/{name}")))).await?;
            spread(&self.target, std::iter::once(self.target.delete(namespace))).await?;
        }
        Ok(())
    }
}

/// Whether the answer to `path` comes compressed for clients that understand it, with the same content.
pub async fn compresses(target: &Target, path: &str) -> Result<bool> {
    let plain = target.json(&target.get(path)).await?;
    let mut body = Vec::new();
    let head = Connection::new(target.address).fetch(&target.get_gzip(path), &mut body).await?;
    expect_success(head.status, &body)?;
    if !head.gzip {
        return Ok(false);
    }
    let inflated: Value = serde_json::from_reader(flate2::read::GzDecoder::new(body.as_slice()))
        .with_context(|| format!("the compressed answer to {path} is broken"))?;
    ensure!(inflated["metadata"] == plain["metadata"], "the compressed answer to {path} tells of another table");
    Ok(true)
}

/// Sends the requests from several clients; the first refusal is the error.
async fn spread(target: &Target, requests: impl Iterator<Item = Request>) -> Result<()> {
    let requests = RefCell::new(requests);
    let client = async || -> Result<()> {
        let (mut connection, mut body) = (Connection::new(target.address), Vec::new());
        loop {
            let next = requests.borrow_mut().next();
            let Some(request) = next else { return Ok(()) };
            let head = connection.fetch(&request, &mut body).await?;
            expect_success(head.status, &body)?;
        }
    };
    futures_util::future::try_join_all((0..CLIENTS).map(|_| client())).await?;
    Ok(())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
