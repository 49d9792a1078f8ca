//! What is measured, in the order of the report.

use std::rc::Rc;

use anyhow::{Context, Result};

use crate::bucket;
use crate::dataset::{Dataset, Table, compresses};
use crate::governed::{Policies, TEAMS};
use crate::granted::{Person, expect_sight, grant, grant_everything};
use crate::listing::{self, Listing};
use crate::operation::{Create, MoveBranch, Operation, SetProperty};
use crate::target::Target;
use crate::wire::{Connection, Request};

/// The listing that everybody can hold in one answer.
const FEW: usize = 100;
/// A page of the large listing, where it is asked for in pages.
const PAGE: usize = 1_000;
/// Tokens that nobody has seen; a catalog remembers half as many.
const TOKENS: usize = 40_000;
/// Who loads a table by turns.
const PEOPLE: usize = 1_000;
/// How many snapshots the branch of the contended table moves between.
const CONTENDED_SNAPSHOTS: i64 = 16;

/// How many clients work at a time; each number gives a line of the report.
pub const CLIENTS: [usize; 3] = [1, 8, 32];

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Case {
    Load {
        snapshots: i64,
        gzip: bool,
    },
    Head,
    /// A HEAD with a token: one that was verified before, or one that never was seen.
    Token {
        cold: bool,
    },
    ListFew,
    ListMany {
        pages: bool,
    },
    Create,
    CommitDistinct,
    CommitOne,
    CommitBranch,
    /// Many people load a table, while nothing decides.
    LoadByPeople,
    /// The same while `cedar` decides by 100 policies.
    LoadGoverned,
    /// Lists a namespace of which the caller may see nothing.
    ListHidden,
    /// Loads a table in a bucket with keys: those that were made before, or new ones.
    Vend {
        cold: bool,
    },
    /// Has a request to the bucket signed.
    Sign,
    /// Lists the large namespace as somebody, while `cedar` decides.
    ListByPolicies(Person),
    /// Loads a table while `openfga` decides.
    LoadGranted,
    /// Lists the large namespace as somebody, while `openfga` decides.
    ListByGrants(Person),
}

/// A case with its dataset in place.
#[derive(Debug)]
pub struct Scene {
    pub label: String,
    /// The first client's operation is the first, and so on.
    pub operations: Vec<Operation>,
}

impl Case {
    pub const ALL: [Self; 29] = [
        Self::Load { snapshots: 0, gzip: false },
        Self::Load { snapshots: 0, gzip: true },
        Self::Load { snapshots: 100, gzip: false },
        Self::Load { snapshots: 100, gzip: true },
        Self::Load { snapshots: 1_000, gzip: false },
        Self::Load { snapshots: 1_000, gzip: true },
        Self::Head,
        Self::Token { cold: false },
        Self::Token { cold: true },
        Self::ListFew,
        Self::ListMany { pages: false },
        Self::ListMany { pages: true },
        Self::Create,
        Self::CommitDistinct,
        Self::CommitOne,
        Self::CommitBranch,
        Self::LoadByPeople,
        Self::LoadGoverned,
        Self::ListHidden,
        Self::Vend { cold: false },
        Self::Vend { cold: true },
        Self::Sign,
        Self::ListByPolicies(Person::Admin),
        Self::ListByPolicies(Person::Reader),
        Self::ListByPolicies(Person::Stranger),
        Self::LoadGranted,
        Self::ListByGrants(Person::Admin),
        Self::ListByGrants(Person::Reader),
        Self::ListByGrants(Person::Stranger),
    ];

    /// What `--only` calls it.
    pub fn name(self) -> String {
        match self {
            Self::Load { snapshots, gzip: false } => format!("load-{snapshots}"),
            Self::Load { snapshots, gzip: true } => format!("load-{snapshots}-gzip"),
            Self::Head => "head".to_owned(),
            Self::Token { cold: false } => "token-cached".to_owned(),
            Self::Token { cold: true } => "token-cold".to_owned(),
            Self::ListFew => "list-few".to_owned(),
            Self::ListMany { pages: false } => "list-many".to_owned(),
            Self::ListMany { pages: true } => "list-many-pages".to_owned(),
            Self::Create => "create".to_owned(),
            Self::CommitDistinct => "commit-distinct".to_owned(),
            Self::CommitOne => "commit-one".to_owned(),
            Self::CommitBranch => "commit-branch".to_owned(),
            Self::LoadByPeople => "people-load".to_owned(),
            Self::LoadGoverned => "governed-load".to_owned(),
            Self::ListHidden => "governed-list".to_owned(),
            Self::Vend { cold: false } => "vend-cached".to_owned(),
            Self::Vend { cold: true } => "vend-cold".to_owned(),
            Self::Sign => "sign".to_owned(),
            Self::ListByPolicies(person) => format!("cedar-list-{person}"),
            Self::LoadGranted => "openfga-load".to_owned(),
            Self::ListByGrants(person) => format!("openfga-list-{person}"),
        }
    }

    /// Whether `--only word` means it: its name, or the beginning of its name up to a dash.
    pub fn is_meant_by(self, word: &str) -> bool {
        let name = self.name();
        name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    /// Whether its tables lie in a bucket.
    pub const fn is_in_bucket(self) -> bool {
        matches!(self, Self::Vend { .. } | Self::Sign)
    }

    /// The policies that it is measured under, where plugins decide.
    pub const fn policies(self) -> Option<Policies> {
        match self {
            Self::LoadGoverned => Some(Policies::Many),
            Self::ListHidden => Some(Policies::Blind),
            Self::ListByPolicies(_) => Some(Policies::People),
            _ => None,
        }
    }

    /// Whether grants in an OpenFGA server decide.
    pub const fn asks_openfga(self) -> bool {
        matches!(self, Self::LoadGranted | Self::ListByGrants(_))
    }

    /// Prepares the dataset for so many clients.
    pub async fn stage(self, target: &Target, dataset: &mut Dataset, tables: usize, clients: usize) -> Result<Scene> {
        match self {
            Self::Load { snapshots, gzip } => {
                stage_load(target, &dataset.table(snapshots).await?, snapshots, gzip, clients).await
            }
            Self::Head => {
                let table = dataset.table(0).await?;
                Ok(alike("table exists (HEAD)", Operation::Fixed(target.head(&table.path)), clients))
            }
            Self::Token { cold } => stage_token(target, &dataset.table(0).await?, cold, clients),
            Self::ListFew => stage_list(target, dataset, FEW, None, clients).await,
            Self::ListMany { pages } => stage_list(target, dataset, tables, pages.then_some(PAGE), clients).await,
            Self::Create => stage_create(target, dataset, clients).await,
            Self::CommitDistinct => {
                let tables = dataset.tables(clients).await?;
                Ok(stage_properties(target, "commit, each client its own table", tables))
            }
            Self::CommitOne => {
                let table = dataset.contended_table(0).await?;
                Ok(stage_properties(target, "commit, one table, properties", vec![table; clients]))
            }
            Self::LoadByPeople => stage_people(target, &dataset.table(0).await?, "load, 10 columns", clients).await,
            Self::LoadGoverned => {
                stage_people(target, &dataset.table(0).await?, "load, 10 columns, `cedar` decides", clients).await
            }
            Self::ListHidden => {
                let path = format!("{}/tables", dataset.crowd(tables).await?);
                let label = format!("list {tables} tables, none to be seen");
                Ok(alike(&label, Operation::List(Listing::new(target, &path, None)), clients))
            }
            Self::ListByPolicies(person) => {
                let namespace = dataset.crowd(tables).await?;
                stage_list_as(target, &namespace, (person, tables), clients).await
            }
            Self::LoadGranted => {
                let table = dataset.table(0).await?;
                grant_everything(target).await?;
                let request = target.bearing(Person::Admin.number())?.get(&table.path);
                Ok(alike("load, 10 columns, `openfga` decides", Operation::Fixed(request), clients))
            }
            Self::ListByGrants(person) => {
                let (namespace, is_new) = dataset.crowd_is_new(tables).await?;
                if is_new {
                    grant(target, &namespace).await?;
                }
                stage_list_as(target, &namespace, (person, tables), clients).await
            }
            Self::CommitBranch => {
                let table = dataset.contended_table(CONTENDED_SNAPSHOTS).await?;
                Ok(stage_branch(target, &table, clients))
            }
            Self::Vend { cold: false } => {
                let request = target.get_with_keys(&dataset.table(0).await?.path);
                Ok(alike("load with keys, made before", Operation::Fixed(request), clients))
            }
            Self::Vend { cold: true } => stage_cold(target, dataset, tables, clients).await,
            Self::Sign => {
                let (path, body) = bucket::signing(&dataset.table(0).await?, dataset.storage.as_deref())?;
                Ok(alike("sign a GET", Operation::Fixed(target.post(&path, &body)), clients))
            }
        }
    }
}

async fn stage_load(target: &Target, table: &Table, snapshots: i64, gzip: bool, clients: usize) -> Result<Scene> {
    let what = if snapshots == 0 { "10 columns".to_owned() } else { format!("{snapshots} snapshots") };
    let request = if gzip { target.get_gzip(&table.path) } else { target.get(&table.path) };
    let honours_gzip = gzip && compresses(target, &table.path).await?;
    let mut body = Vec::new();
    Connection::new(target.address).fetch(&request, &mut body).await.context("loading the table")?;
    let coding = match (gzip, honours_gzip) {
        (false, _) => "",
        (true, true) => ", gzip",
        (true, false) => ", gzip asked, not given",
    };
    let label = format!("load, {what}{coding} ({})", bytes(body.len()));
    Ok(alike(&label, Operation::Fixed(request), clients))
}

/// The cold tokens are more than the catalog remembers, so each is new to it whenever it comes.
fn stage_token(target: &Target, table: &Table, cold: bool, clients: usize) -> Result<Scene> {
    if !cold {
        let request = target.head_as(&table.path, 0)?;
        return Ok(alike("table exists, token verified before", Operation::Fixed(request), clients));
    }
    let each = TOKENS / clients;
    let requests = |client: usize| -> Result<Operation> {
        let numbers = 1 + client * each..1 + (client + 1) * each;
        let requests = numbers.map(|number| target.head_as(&table.path, number)).collect::<Result<Vec<_>>>()?;
        Ok(Operation::Rotating(requests.into(), 0))
    };
    let operations = (0..clients).map(requests).collect::<Result<Vec<_>>>()?;
    Ok(Scene { label: "table exists, token never seen".to_owned(), operations })
}

/// Each table is loaded once, so its keys are new to the catalog.
async fn stage_cold(target: &Target, dataset: &mut Dataset, tables: usize, clients: usize) -> Result<Scene> {
    let paths = dataset.fresh_tables(&format!("cold_{clients}"), tables).await?;
    let each = tables.div_ceil(clients);
    let once = |paths: &[String]| {
        let requests: Vec<_> = paths.iter().map(|path| target.get_with_keys(path)).collect();
        Operation::Once(requests.into_iter())
    };
    Ok(Scene { label: "load with keys, made now".to_owned(), operations: paths.chunks(each).map(once).collect() })
}

/// Everybody has asked before: who is new is written down, and a new token is verified.
async fn stage_people(target: &Target, table: &Table, what: &str, clients: usize) -> Result<Scene> {
    let asked = |person: usize| Ok(target.bearing_member(person, person % TEAMS)?.get(&table.path));
    let requests = (0..PEOPLE).map(asked).collect::<Result<Rc<[Request]>>>()?;
    for request in requests.iter() {
        target.json(request).await?;
    }
    let everybody = |client| Operation::Rotating(Rc::clone(&requests), client * PEOPLE / clients);
    Ok(Scene { label: format!("{what}, {PEOPLE} people"), operations: (0..clients).map(everybody).collect() })
}

async fn stage_list(
    target: &Target,
    dataset: &mut Dataset,
    tables: usize,
    page: Option<usize>,
    clients: usize,
) -> Result<Scene> {
    let namespace = dataset.crowd(tables).await?;
    let listing = Listing::new(target, &format!("{namespace}/tables"), page);
    let how = page.map_or_else(|| "at once".to_owned(), |page| format!("in pages of {page}"));
    Ok(alike(&format!("list {tables} tables {how}"), Operation::List(listing), clients))
}

async fn stage_list_as(
    target: &Target,
    namespace: &str,
    (person, tables): (Person, usize),
    clients: usize,
) -> Result<Scene> {
    let (target, path) = (target.bearing(person.number())?, format!("{namespace}/tables"));
    expect_sight(person, tables, listing::names(&target, &path).await?.len())?;
    let label = format!("list {tables} tables as {person}");
    Ok(alike(&label, Operation::List(Listing::new(&target, &path, None)), clients))
}

async fn stage_create(target: &Target, dataset: &mut Dataset, clients: usize) -> Result<Scene> {
    let path = format!("{}/tables", dataset.namespace("created").await?);
    let create = |client| {
        let name = format!("created_{clients}_{client}");
        Operation::Create(Create { target: target.clone(), path: path.clone(), name, created: 0 })
    };
    Ok(Scene { label: "create table".to_owned(), operations: (0..clients).map(create).collect() })
}

fn stage_properties(target: &Target, label: &str, tables: Vec<Table>) -> Scene {
    let commit =
        |(client, table)| Operation::SetProperty(SetProperty { target: target.clone(), table, client, commits: 0 });
    Scene { label: label.to_owned(), operations: tables.into_iter().enumerate().map(commit).collect() }
}

fn stage_branch(target: &Target, table: &Table, clients: usize) -> Scene {
    let commit = |client| {
        let (target, table) = (target.clone(), table.clone());
        Operation::MoveBranch(MoveBranch {
            target,
            table,
            client,
            snapshots: 1..=CONTENDED_SNAPSHOTS,
            seen: None,
            moves: 0,
        })
    };
    Scene {
        label: "commit, one table, branch; losers reload".to_owned(),
        operations: (0..clients).map(commit).collect(),
    }
}

fn alike(label: &str, operation: Operation, clients: usize) -> Scene {
    Scene { label: label.to_owned(), operations: vec![operation; clients] }
}

fn bytes(count: usize) -> String {
    match count {
        0..10_000 => format!("{:.1} KB", count as f64 / 1e3),
        _ => format!("{:.0} KB", count as f64 / 1e3),
    }
}
