//! The ledger: the only folder that knows sqlx.

mod archive;
mod archive_in;
mod archive_out;
mod archive_tables;
mod changes;
#[cfg(test)]
mod disk_tests;
mod due;
mod embedded;
mod engine;
mod faults;
mod group;
mod health;
mod idempotency;
mod lending;
mod lifecycle;
mod migrate;
mod migrations;
mod namespace_moves;
mod namespaces;
mod outbox;
mod pools;
mod principal_rows;
mod projects;
mod promises;
pub mod recent;
mod relays;
mod role_members;
mod roles;
mod roots;
pub mod rows;
mod searches;
mod secrets;
mod server;
mod settings;
mod sightings;
mod standings;
mod tabulars;
mod task_claims;
mod task_rows;
mod tasks;
mod users;
mod warehouses;
mod writer;

use std::sync::Arc;
use std::time::Instant;

pub use archive::Carried;
pub use archive_out::export;
use engine::{Lease, Lent};
use faults::{fault, is_lost};
pub use migrate::Migrated;
pub use migrations::{MIGRATIONS, Migration};
pub use promises::LogPosition;
pub use settings::{StoreSettings, StoreUrl};
pub use writer::Writer;

use crate::error::{Error, Result};
use embedded::Embedded;
use lending::{Lending, LentTransaction};
use pools::Pools;
use sqlx::Postgres;

/// A handle on the ledger; clones share connections.
#[derive(Clone)]
pub struct Store {
    ledger: Arc<Ledger>,
}

struct Ledger {
    engine: Engine,
    url: StoreUrl,
}

enum Engine {
    Sqlite(Box<Embedded>),
    Postgres(Pools),
}

impl Store {
    /// Opens the ledger without looking at its schema: [`Store::migrate`] or [`Store::check_schema`] comes next.
    ///
    /// A SQLite file is taken for this process, [`Error::Conflict`] where another one has it.
    pub async fn open(settings: &StoreSettings) -> Result<Self> {
        let engine = match &settings.url {
            StoreUrl::Sqlite(_) if settings.read_url.is_some() => {
                return Err(Error::bad_request("a read URL needs Postgres: remove it, or use a `postgres://` URL"));
            }
            StoreUrl::Sqlite(path) => Engine::Sqlite(Box::new(Embedded::open(path, settings).await?)),
            StoreUrl::Postgres(url) => Engine::Postgres(Pools::open(url, settings)?),
        };
        Ok(Self { ledger: Arc::new(Ledger { engine, url: settings.url.clone() }) })
    }

    /// Where the ledger lives, without a password.
    pub fn url(&self) -> &StoreUrl {
        &self.ledger.url
    }

    /// What the ledger promises, in a few words for the banner.
    pub fn durability(&self) -> &'static str {
        match self.ledger.engine {
            Engine::Sqlite(_) => "every commit flushed to disk (WAL, synchronous=FULL, group commit)",
            Engine::Postgres(_) => "as the Postgres server is configured",
        }
    }

    /// Lets go of all connections once their work is done.
    pub async fn close(&self) {
        match &self.ledger.engine {
            Engine::Sqlite(embedded) => embedded.close().await,
            Engine::Postgres(pools) => pools.close().await,
        }
    }

    /// Whether the ledger answers at all.
    pub async fn ping(&self) -> Result<()> {
        match &self.ledger.engine {
            Engine::Sqlite(embedded) => embedded.readers.lend().await.map(drop).map_err(fault),
            Engine::Postgres(pools) => pools.ping().await,
        }
    }

    /// Whether the ledger answers and would keep what it is given; the error says why not.
    pub async fn ready(&self) -> Result<()> {
        if let Engine::Sqlite(embedded) = &self.ledger.engine {
            embedded.writer.ready().await?;
        }
        self.ping().await
    }

    /// Says how much of the pools is in use; cheap, for a scrape.
    pub fn observe(&self) {
        let (size, idle) = match &self.ledger.engine {
            Engine::Sqlite(embedded) => (embedded.readers.open(), embedded.readers.idle()),
            Engine::Postgres(pools) => (pools.primary.open(), pools.primary.idle()),
        };
        metrics::gauge!("weir_store_connections", "state" => "open").set(f64::from(size));
        metrics::gauge!("weir_store_connections", "state" => "idle").set(idle as f64);
    }

    fn engine(&self) -> &Engine {
        &self.ledger.engine
    }

    /// A connection for a read that must see every acknowledged commit.
    async fn read(&self, operation: &'static str) -> Result<Lease> {
        let started = Instant::now();
        let lent = match self.engine() {
            Engine::Sqlite(embedded) => Lent::Sqlite(embedded.readers.lend().await.map_err(fault)?),
            Engine::Postgres(pools) => lend(&pools.primary, pools.pooler_mode).await.map_err(fault)?,
        };
        Ok(Lease::new(lent, operation, started))
    }

    /// A connection for a listing, which may lag behind where the operator gave a read URL.
    async fn list(&self, operation: &'static str) -> Result<Lease> {
        let started = Instant::now();
        let Engine::Postgres(Pools { replica: Some(replica), pooler_mode, .. }) = self.engine() else {
            return self.read(operation).await;
        };
        match lend(replica, *pooler_mode).await {
            Ok(lent) => Ok(Lease::new(lent, operation, started)),
            Err(error) => {
                tracing::warn!(error = %error, "the replica does not answer, the primary lists instead");
                self.read(operation).await
            }
        }
    }
}

async fn lend(lending: &Lending<Postgres>, pooler_mode: bool) -> sqlx::Result<Lent> {
    if !pooler_mode {
        return lending.lend().await.map(Lent::Postgres);
    }
    match LentTransaction::begin(lending).await {
        Err(error) if is_lost(&error) => LentTransaction::begin(lending).await.map(Lent::Pooled),
        begun => begun.map(Lent::Pooled),
    }
}
