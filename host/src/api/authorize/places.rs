//! The names above an object: of its project, of its warehouse.

use std::sync::Arc;

use moka::future::Cache;

use crate::catalog::ids::WarehouseId;
use crate::error::Error;
use crate::plugin::Parent;
use crate::store::Store;
use crate::store::rows::Warehouse;

/// Where a warehouse is: its project and itself, as authorizers are told.
#[derive(Clone, Debug)]
pub struct Place {
    pub project: Parent,
    pub warehouse: Parent,
}

/// Places by warehouse and its version, which grows with every change of what is kept here: a rename of the warehouse,
/// a rename of its project. So nothing here is stale.
pub struct Places {
    known: Cache<(WarehouseId, i64), Arc<Place>>,
}

const PLACES_MAX: u64 = 10_000;

impl Places {
    pub fn new() -> Self {
        Self { known: Cache::new(PLACES_MAX) }
    }

    /// The place of a warehouse as it was at that version, or as it is now where it has moved on.
    pub async fn of(&self, store: &Store, id: WarehouseId, version: i64) -> Result<Arc<Place>, Error> {
        if let Some(place) = self.known.get(&(id, version)).await {
            return Ok(place);
        }
        let warehouse =
            store.warehouse(id).await?.ok_or_else(|| crate::api::extract::no_such_warehouse(&id.to_string()))?;
        self.of_row(store, &warehouse).await
    }

    /// The same, where the row is at hand.
    pub async fn of_row(&self, store: &Store, warehouse: &Warehouse) -> Result<Arc<Place>, Error> {
        let key = (warehouse.id, warehouse.version);
        if let Some(place) = self.known.get(&key).await {
            return Ok(place);
        }
        // Read after the warehouse: a rename in between makes a new version, so the old one's name is never kept for it.
        let project = store.project(&warehouse.project_id).await?;
        let place = Arc::new(Place {
            project: Parent {
                id: warehouse.project_id.as_str().to_owned(),
                name: project.map(|project| project.name).unwrap_or_default(),
            },
            warehouse: Parent { id: warehouse.id.to_string(), name: warehouse.name.clone() },
        });
        self.known.insert(key, Arc::clone(&place)).await;
        Ok(place)
    }
}
