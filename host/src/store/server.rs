//! The one row about this installation.

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::rows::Server;
use super::{Store, Writer};
use crate::error::{Error, Result};

record! {
    struct ServerRecord {
        id: Uuid,
        page_key: Vec<u8>,
        created_at_ms: i64,
        bootstrapped_at_ms: Option<i64>,
    }
}

impl Store {
    /// This installation; [`Store::migrate`] makes the row.
    pub async fn server(&self) -> Result<Server> {
        let mut lease = self.read("server").await?;
        let found = rows!(
            lease,
            fetch_optional,
            ServerRecord,
            "SELECT id, page_key, created_at_ms, bootstrapped_at_ms
             FROM server
             WHERE only_row = 1"
        )?;
        let record =
            found.ok_or_else(|| Error::internal(anyhow::anyhow!("the ledger has no server row: migrate it")))?;
        let page_key = record.page_key.try_into();
        Ok(Server {
            id: record.id,
            page_key: page_key
                .map_err(|_| Error::internal(anyhow::anyhow!("the ledger's page key is not 32 bytes")))?,
            created_at_ms: record.created_at_ms,
            bootstrapped_at_ms: record.bootstrapped_at_ms,
        })
    }
}

impl Writer {
    /// Names this installation unless it has a name.
    pub(super) async fn ensure_server(&mut self, id: Uuid, page_key: &[u8; 32], now_ms: i64) -> Result<()> {
        run!(
            self,
            "INSERT INTO server (only_row, id, page_key, created_at_ms, bootstrapped_at_ms, probes)
             VALUES (1, $1, $2, $3, NULL, 0)
             ON CONFLICT DO NOTHING",
            id,
            page_key.as_slice(),
            now_ms
        )?;
        Ok(())
    }

    /// Remembers that the server was bootstrapped; `false` means that it was before.
    pub async fn bootstrap(&mut self, now_ms: i64) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE server
             SET bootstrapped_at_ms = $1
             WHERE only_row = 1 AND bootstrapped_at_ms IS NULL",
            now_ms
        )?;
        Ok(touched == 1)
    }
}
