//! The ledger on a Postgres server: a pool that writes, optionally one on a replica that lists.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Postgres};
use url::Url;

use super::faults::fault;
use super::lending::{Lending, TRUSTED_IDLE};
use super::promises::Promises;
use super::settings::{StoreSettings, StoreUrl};
use crate::error::{Error, Result};

pub(super) struct Pools {
    pub(super) primary: Lending<Postgres>,
    /// May lag behind: listings only.
    pub(super) replica: Option<Lending<Postgres>>,
    pub(super) pooler_mode: bool,
    /// What this process acknowledged lately.
    pub(super) promises: Arc<Promises>,
}

impl Pools {
    /// Connects with the first use, so that a server may start before its database.
    pub(super) fn open(url: &Url, settings: &StoreSettings) -> Result<Self> {
        let replica = match &settings.read_url {
            None => None,
            Some(StoreUrl::Postgres(url)) => Some(pool(url, settings)?),
            Some(StoreUrl::Sqlite(_)) => {
                return Err(Error::bad_request(
                    "the store's read URL is a SQLite file, but its URL is Postgres: expected a `postgres://` URL",
                ));
            }
        };
        let primary = pool(url, settings)?;
        Ok(Self { primary, replica, pooler_mode: settings.pooler_mode, promises: Arc::default() })
    }

    pub(super) async fn close(&self) {
        self.primary.close().await;
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }

    pub(super) async fn ping(&self) -> Result<()> {
        let mut loan = self.primary.lend().await.map_err(fault)?;
        loan.connection().ping().await.map_err(fault)?;
        loan.settle();
        Ok(())
    }
}

fn pool(url: &Url, settings: &StoreSettings) -> Result<Lending<Postgres>> {
    let shown = StoreUrl::Postgres(url.clone());
    let options = PgConnectOptions::from_str(url.as_str())
        .map_err(|_| Error::BadRequest(format!("the store's URL `{shown}` has options that Postgres does not know")))?;
    let options = options.application_name("weir").disable_statement_logging();
    let options = if settings.pooler_mode {
        // A pooler refuses settings at start that it does not know, and hands sessions from client to client.
        options.statement_cache_capacity(0).extra_float_digits(None)
    } else {
        options.statement_cache_capacity(256).options([
            ("statement_timeout", settings.statement_timeout_ms.to_string()),
            ("idle_in_transaction_session_timeout", "60000".to_owned()),
            ("default_transaction_isolation", "read committed".to_owned()),
        ])
    };
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections_max.max(1))
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms))
        .test_before_acquire(false)
        .before_acquire(|connection, idle| {
            Box::pin(async move {
                if idle.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options);
    Ok(Lending::new(pool))
}
