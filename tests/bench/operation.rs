//! One client's work, a request or a few at a time.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::ops::RangeInclusive;
use std::rc::Rc;

use serde::Deserialize;

use crate::bodies::{commit_branch, commit_property, create_table, snapshot_id};
use crate::dataset::Table;
use crate::listing::Listing;
use crate::target::Target;
use crate::wire::{Connection, Request};

/// The branch that the clients of one table fight for; moving `main` would grow the snapshot log.
const BRANCH: &str = "contended";

/// What a client does again and again.
#[derive(Clone, Debug)]
pub enum Operation {
    Fixed(Request),
    /// One request after the other, then from the beginning.
    Rotating(Rc<[Request]>, usize),
    /// One request after the other, none twice; there have to be enough.
    Once(std::vec::IntoIter<Request>),
    List(Listing),
    Create(Create),
    SetProperty(SetProperty),
    MoveBranch(MoveBranch),
}

impl Operation {
    /// Does it once, tells the status that decides whether it worked.
    pub async fn run(&mut self, connection: &mut Connection) -> Result<u16> {
        match self {
            Self::Fixed(request) => Ok(connection.send(request).await?.status),
            Self::Rotating(requests, at) => {
                *at = (*at + 1) % requests.len();
                Ok(connection.send(&requests[*at]).await?.status)
            }
            Self::Once(requests) => {
                let next = requests.next().ok_or_else(|| Error::other("nothing is left to ask"))?;
                Ok(connection.send(&next).await?.status)
            }
            Self::List(listing) => Ok(listing.walk(connection, |_| ()).await?.status),
            Self::Create(create) => create.run(connection).await,
            Self::SetProperty(commit) => commit.run(connection).await,
            Self::MoveBranch(commit) => commit.run(connection).await,
        }
    }

    /// Whether all that was prepared has been asked.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Once(requests) if requests.len() == 0)
    }

    /// What a client does after it has lost a race, before it tries again; not part of what is timed.
    pub async fn recover(&mut self, connection: &mut Connection) -> Result<()> {
        match self {
            Self::MoveBranch(commit) => commit.look(connection).await,
            _ => Ok(()),
        }
    }
}

/// Creates one table after the other.
#[derive(Clone, Debug)]
pub struct Create {
    pub target: Target,
    /// The path of the tables of the namespace.
    pub path: String,
    /// Begins the names of this client's tables.
    pub name: String,
    pub created: u64,
}

impl Create {
    async fn run(&mut self, connection: &mut Connection) -> Result<u16> {
        self.created += 1;
        let name = format!("{}_{}", self.name, self.created);
        Ok(connection.send(&self.target.post(&self.path, &create_table(&name))).await?.status)
    }
}

/// Commits a property that no other commit has set to the same value.
#[derive(Clone, Debug)]
pub struct SetProperty {
    pub target: Target,
    pub table: Table,
    pub client: usize,
    pub commits: u64,
}

impl SetProperty {
    async fn run(&mut self, connection: &mut Connection) -> Result<u16> {
        self.commits += 1;
        let body = commit_property(&self.table.uuid, &format!("{}-{}", self.client, self.commits));
        Ok(connection.send(&self.target.post(&self.table.path, &body)).await?.status)
    }
}

/// Moves a branch from the snapshot where it was seen to another one.
#[derive(Clone, Debug)]
pub struct MoveBranch {
    pub target: Target,
    pub table: Table,
    pub client: usize,
    /// The sequence numbers of the snapshots that the table has.
    pub snapshots: RangeInclusive<i64>,
    pub seen: Option<i64>,
    pub moves: u64,
}

impl MoveBranch {
    async fn run(&mut self, connection: &mut Connection) -> Result<u16> {
        self.moves += 1;
        let next = self.next();
        let body = commit_branch(&self.table.uuid, BRANCH, self.seen, next);
        let status = connection.send(&self.target.post(&self.table.path, &body)).await?.status;
        if status == 200 {
            self.seen = Some(next);
        }
        Ok(status)
    }

    /// Each client goes round in its own order, so that a place seen long ago is seldom the place again.
    fn next(&self) -> i64 {
        let turn = self.moves.wrapping_mul(7).wrapping_add(self.client as u64 * 3);
        let others = self.snapshots.clone().map(snapshot_id).filter(|&id| Some(id) != self.seen);
        let others: Vec<i64> = others.collect();
        others[usize::try_from(turn % others.len() as u64).unwrap_or_default()]
    }

    async fn look(&mut self, connection: &mut Connection) -> Result<()> {
        let mut body = Vec::new();
        connection.fetch(&self.target.get(&self.table.path), &mut body).await?;
        let loaded: Loaded =
            serde_json::from_slice(&body).map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
        self.seen = loaded.metadata.refs.get(BRANCH).map(|branch| branch.snapshot_id);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Loaded {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    refs: BTreeMap<String, Branch>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(rename = "snapshot-id")]
    snapshot_id: i64,
}
