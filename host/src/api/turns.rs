//! Commits to one table take turns inside this process, so that few are made in vain.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::catalog::ident::TableIdent;
use crate::catalog::ids::WarehouseId;

/// A queue before each table: without it every commit of a busy table writes its file, and all but one were for nothing.
///
/// Nothing relies on a turn. The swap in the store decides, here as between replicas, so a wait may end without one.
pub struct Turns {
    seats: Vec<Semaphore>,
}

/// Tables that share a seat wait for each other now and then; that many seats make it rare.
const SEATS: usize = 1_024;
/// Longer than many commits take, shorter than any client waits.
const WAIT_MAX: Duration = Duration::from_secs(1);

impl Turns {
    pub fn new() -> Self {
        Self { seats: std::iter::repeat_with(|| Semaphore::new(1)).take(SEATS).collect() }
    }

    /// The table's turn, kept until it is dropped; `None` where the wait was too long, to go on without.
    pub async fn of(&self, warehouse: WarehouseId, ident: &TableIdent) -> Option<SemaphorePermit<'_>> {
        let mut hash = DefaultHasher::new();
        (warehouse, ident).hash(&mut hash);
        let seat = self.seats.get(usize::try_from(hash.finish() % SEATS as u64).ok()?)?;
        tokio::time::timeout(WAIT_MAX, seat.acquire()).await.ok()?.ok()
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self::new()
    }
}
