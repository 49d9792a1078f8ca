//! First answers to requests with an `Idempotency-Key`, kept for their repetition.

use uuid::Uuid;

use super::engine::{record, rows, run};
use super::rows::Idempotency;
use super::{Store, Writer};
use crate::catalog::ids::WarehouseId;
use crate::error::Result;

record! {
    struct IdempotencyRecord {
        warehouse_id: Uuid,
        caller: String,
        key: String,
        request_digest: String,
        status: i32,
        answer: Vec<u8>,
        created_at_ms: i64,
        expires_at_ms: i64,
    }
}

impl Store {
    /// What was answered to the caller's key in this warehouse; `None` where it is new. The expiry is the caller's to check.
    pub async fn idempotency(&self, warehouse: WarehouseId, caller: &str, key: &str) -> Result<Option<Idempotency>> {
        let mut lease = self.read("idempotency").await?;
        let found = rows!(
            lease,
            fetch_optional,
            IdempotencyRecord,
            "SELECT warehouse_id, caller, key, request_digest, status, answer, created_at_ms, expires_at_ms
             FROM idempotency
             WHERE warehouse_id = $1 AND caller = $2 AND key = $3",
            warehouse.0,
            caller,
            key
        )?;
        Ok(found.map(|record| Idempotency {
            warehouse_id: WarehouseId(record.warehouse_id),
            caller: record.caller,
            key: record.key,
            request_digest: record.request_digest,
            status: record.status,
            answer: record.answer,
            created_at_ms: record.created_at_ms,
            expires_at_ms: record.expires_at_ms,
        }))
    }
}

impl Writer {
    /// Keeps the answer with the change itself; replaces one that has expired by its creation. `false` where a first
    /// request with the key got here before.
    pub async fn insert_idempotency(&mut self, row: &Idempotency) -> Result<bool> {
        let touched = run!(
            self,
            "INSERT INTO idempotency (warehouse_id, caller, key, request_digest, status, answer, created_at_ms,
                                      expires_at_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (warehouse_id, caller, key) DO UPDATE
             SET request_digest = excluded.request_digest, status = excluded.status, answer = excluded.answer,
                 created_at_ms = excluded.created_at_ms, expires_at_ms = excluded.expires_at_ms
             WHERE idempotency.expires_at_ms <= excluded.created_at_ms",
            row.warehouse_id.0,
            row.caller.as_str(),
            row.key.as_str(),
            row.request_digest.as_str(),
            row.status,
            row.answer.as_slice(),
            row.created_at_ms,
            row.expires_at_ms
        )?;
        Ok(touched == 1)
    }

    /// Forgets what has expired, at most `limit` at a time; says how many that were.
    pub async fn delete_expired_idempotency(&mut self, now_ms: i64, limit: u32) -> Result<u64> {
        run!(
            self,
            "DELETE FROM idempotency
             WHERE expires_at_ms <= $1
               AND (warehouse_id, caller, key) IN (SELECT warehouse_id, caller, key
                                                   FROM idempotency
                                                   WHERE expires_at_ms <= $1
                                                   ORDER BY expires_at_ms
                                                   LIMIT $2)",
            now_ms,
            i64::from(limit)
        )
    }
}
