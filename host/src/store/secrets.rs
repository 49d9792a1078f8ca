//! Secrets of warehouses, sealed: the ledger cannot open them.

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::rows::StoredSecret;
use super::{Store, Writer};
use crate::catalog::ids::WarehouseId;
use crate::error::Result;

record! {
    struct SecretRecord {
        warehouse_id: Uuid,
        version: i64,
        keeper: String,
        sealed: Vec<u8>,
        updated_at_ms: i64,
    }
}

impl SecretRecord {
    fn into_row(self) -> StoredSecret {
        StoredSecret {
            warehouse_id: WarehouseId(self.warehouse_id),
            version: self.version,
            keeper: self.keeper,
            sealed: self.sealed,
            updated_at_ms: self.updated_at_ms,
        }
    }
}

impl Store {
    /// `None` where the warehouse has none.
    pub async fn secret(&self, warehouse: WarehouseId) -> Result<Option<StoredSecret>> {
        let mut lease = self.read("secret").await?;
        let found = rows!(
            lease,
            fetch_optional,
            SecretRecord,
            "SELECT warehouse_id, version, keeper, sealed, updated_at_ms
             FROM secrets
             WHERE warehouse_id = $1",
            warehouse.0
        )?;
        Ok(found.map(SecretRecord::into_row))
    }

    /// By warehouse, after the given one.
    pub async fn secrets_page(&self, after: Option<WarehouseId>, limit: u32) -> Result<Vec<StoredSecret>> {
        let mut lease = self.read("secrets_page").await?;
        let found = rows!(
            lease,
            fetch_all,
            SecretRecord,
            "SELECT warehouse_id, version, keeper, sealed, updated_at_ms
             FROM secrets
             WHERE warehouse_id > $1
             ORDER BY warehouse_id
             LIMIT $2",
            after.map_or(Uuid::nil(), |warehouse| warehouse.0),
            i64::from(limit)
        )?;
        Ok(found.into_iter().map(SecretRecord::into_row).collect())
    }
}

impl Writer {
    /// Keeps the secret in the place of the warehouse's older one; `false` where that is not older.
    pub async fn put_secret(&mut self, secret: &StoredSecret) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO secrets (warehouse_id, version, keeper, sealed, updated_at_ms)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (warehouse_id) DO UPDATE
             SET version = excluded.version, keeper = excluded.keeper, sealed = excluded.sealed,
                 updated_at_ms = excluded.updated_at_ms
             WHERE secrets.version < excluded.version",
            secret.warehouse_id.0,
            secret.version,
            secret.keeper.as_str(),
            secret.sealed.as_slice(),
            secret.updated_at_ms
        )?;
        Ok(touched == 1)
    }

    /// The same secret under another key; `false` where it is not the one any more that was read.
    pub async fn reseal_secret(&mut self, read: &StoredSecret, keeper: &str, sealed: &[u8]) -> Result<bool> {
        let touched = run!(
            self,
            "UPDATE secrets
             SET keeper = $4, sealed = $5
             WHERE warehouse_id = $1 AND version = $2 AND keeper = $3",
            read.warehouse_id.0,
            read.version,
            read.keeper.as_str(),
            keeper,
            sealed
        )?;
        Ok(touched == 1)
    }

    /// `false` where there was none.
    pub async fn delete_secret(&mut self, warehouse: WarehouseId) -> Result<bool> {
        let touched = run!(self, "DELETE FROM secrets WHERE warehouse_id = $1", warehouse.0)?;
        Ok(touched == 1)
    }
}
