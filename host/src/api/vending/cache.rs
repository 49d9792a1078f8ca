//! Keys that were made lately for clients, for half their life.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::delegation::Delegation;
use super::lasting::Lasting;
use super::own::Reached;
use super::place::TablePlace;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::WarehouseId;
use crate::catalog::scope::Verbs;
use crate::error::Error;
use crate::plugin::Secret;
use crate::plugin::storage::Grant;

const GRANTS_MAX: u64 = 10_000;
const SESSIONS_MAX: u64 = 1_000;
const REGIONS_MAX: u64 = 100;
/// Requests that wait for a token service at once: those of others go on (R27).
const COLD_MAX: usize = 64;
/// Those of one warehouse among them: fewer than a plugin has instances by default, so that a silent token service leaves
/// some to signatures, and to the keys of others.
const COLD_OF_ONE_MAX: usize = 4;
/// Those of one warehouse that wait for them; more are refused at once, or they would take all that the server works on.
const QUEUE_MAX: usize = 64;
/// So long a request waits for those of its own warehouse.
const TURN_MAX: Duration = Duration::from_secs(10);
const WAREHOUSES_MAX: u64 = 1_000;
/// An entry nobody asked for again is let go.
const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// A grant without keys is asked for again soon: it costs little.
const WITHOUT_KEYS_MS: u64 = 60_000;

/// Grants by everything that they were made for; the waiting for new ones, bounded.
pub struct Vending {
    grants: Cache<Vec<u8>, Kept>,
    cold: Semaphore,
    queues: Cache<WarehouseId, Queue>,
    /// The host's own, by warehouse and version.
    pub(super) sessions: Lasting<(WarehouseId, i64), Reached>,
    /// What this machine is known by, by the region whose token service may have to be asked.
    pub(super) machine: Lasting<String, Secret>,
}

#[derive(Clone)]
struct Kept {
    grant: Arc<Grant>,
    until_ms: u64,
}

/// The requests of one warehouse that want new keys.
#[derive(Clone)]
struct Queue {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Queue {
    fn default() -> Self {
        let [places, turns] = [QUEUE_MAX, COLD_OF_ONE_MAX].map(|many| Arc::new(Semaphore::new(many)));
        Self { places, turns }
    }
}

impl Default for Vending {
    fn default() -> Self {
        let grants = Cache::builder().max_capacity(GRANTS_MAX).time_to_idle(IDLE_MAX).build();
        Self {
            grants,
            cold: Semaphore::new(COLD_MAX),
            queues: Cache::builder().max_capacity(WAREHOUSES_MAX).time_to_idle(IDLE_MAX).build(),
            sessions: Lasting::at_most(SESSIONS_MAX),
            machine: Lasting::at_most(REGIONS_MAX),
        }
    }
}

impl Vending {
    /// Whoever asks next is granted anew.
    pub fn forget_all(&self) {
        self.grants.invalidate_all();
        self.sessions.forget_all();
    }
}

impl App {
    /// What the plugin grants, new or remembered. Of many that ask at once one asks the plugin; where it gives up, the next one
    /// does (R19).
    pub(super) async fn grant(
        &self,
        caller: &Caller,
        place: &TablePlace,
        delegation: Delegation,
    ) -> Result<Arc<Grant>, Error> {
        let key = self.grant_key(caller, place, delegation);
        let now_ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        if let Some(kept) = self.vending.grants.get(&key).await {
            if kept.until_ms > now_ms {
                return Ok(kept.grant);
            }
            self.vending.grants.invalidate(&key).await;
        }
        let made = self.vending.grants.try_get_with(key, Box::pin(self.new_grant(caller, place, delegation))).await;
        made.map(|kept| kept.grant).map_err(|error| again(&error))
    }

    async fn new_grant(&self, caller: &Caller, place: &TablePlace, delegation: Delegation) -> Result<Kept, Error> {
        // Whoever wants no keys waits for no token service.
        let _turn = match delegation.vended {
            true => Some(self.cold_turn(place.storage.warehouse).await?),
            false => None,
        };
        let Ok(_place) = self.vending.cold.try_acquire() else { return Err(many_wait()) };
        let means = self.means(caller, place, delegation.vended).await?;
        let grant = means.vend(self, caller).await?;
        let now_ms = u64::try_from(self.clock.now_ms()).unwrap_or_default();
        let ends = grant.keys.iter().map(|keys| keys.expires_at_ms).min();
        let until_ms = ends.map_or(now_ms + WITHOUT_KEYS_MS, |end| now_ms + end.saturating_sub(now_ms) / 2);
        Ok(Kept { grant: Arc::new(grant), until_ms })
    }

    /// A request's turn among those of its warehouse, with its place in their queue.
    async fn cold_turn(&self, warehouse: WarehouseId) -> Result<[OwnedSemaphorePermit; 2], Error> {
        let queue = self.vending.queues.get_with(warehouse, async { Queue::default() }).await;
        let place = queue.places.try_acquire_owned().map_err(|_| many_wait())?;
        match tokio::time::timeout(TURN_MAX, queue.turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok([place, turn]),
            _ => Err(many_wait()),
        }
    }

    /// S15: each part with its length before it, so that no two questions share a key. The session carries the caller's
    /// name and the plugin is told whom it decides for, so keys are the caller's own, as whom they ask, in their roles,
    /// with the claims that any plugin is shown. It is told the table's name, too, and may decide by where that leads.
    fn grant_key(&self, caller: &Caller, place: &TablePlace, delegation: Delegation) -> Vec<u8> {
        let told = self.plugin_call(caller).principal;
        let roles = told.roles.join("\0");
        let claims = format!("{:?}", told.claims);
        let table = &place.table;
        let namespace = table.namespace.key();
        let verbs = match place.verbs {
            Verbs::Read => b"r",
            Verbs::ReadWrite => b"w",
        };
        let mut key = Vec::new();
        for part in [
            &table.warehouse_id.0.as_bytes()[..],
            &place.storage.version.to_be_bytes(),
            table.id.0.as_bytes(),
            table.uuid.as_bytes(),
            table.location.as_str().as_bytes(),
            namespace.as_bytes(),
            table.name.as_bytes(),
            verbs,
            &[u8::from(delegation.vended)],
            told.kind.as_bytes(),
            told.id.as_bytes(),
            caller.id().as_bytes(),
            roles.as_bytes(),
            claims.as_bytes(),
            &self.plugins.current().number.to_be_bytes(),
        ] {
            key.extend_from_slice(&(part.len() as u64).to_be_bytes());
            key.extend_from_slice(part);
        }
        key
    }
}

fn many_wait() -> Error {
    Error::unavailable("too many requests wait for new keys: retry")
}

/// All who waited get the same answer.
pub(super) fn again(error: &Error) -> Error {
    match error {
        Error::Unavailable { message, retry_after_s } => {
            Error::Unavailable { message: message.clone(), retry_after_s: *retry_after_s }
        }
        Error::Unsupported(message) => Error::Unsupported(message.clone()),
        Error::Forbidden(message) => Error::Forbidden(message.clone()),
        other => Error::internal(anyhow::anyhow!("no access to a table's files: {other:?}")),
    }
}
