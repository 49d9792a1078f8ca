//! The files of a dropped table or view are deleted: its own, nobody else's.

use serde_json::json;

use super::Trouble;
use super::queue::{Purge, Queue, payload};
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::catalog::ids::WarehouseId;
use crate::catalog::location::Location;
use crate::error::Result;
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::Task;

/// Deletes everything under the location of what was dropped.
///
/// INVARIANT: nothing at or above the warehouse's root is deleted, nothing that overlaps with a table or view that is
/// live or can come back. New ones cannot move in meanwhile: the store keeps the location until this task is over.
pub async fn work(app: &App, task: &Task) -> Result<Writer, Trouble> {
    let purge: Purge = payload(&task.payload)?;
    let location = Location::parse(&purge.location).map_err(|error| Trouble::Never(error.to_string()))?;
    let warehouse = task.warehouse_id.ok_or_else(|| Trouble::Never("the task names no warehouse".into()))?;
    refuse_foreign(app, warehouse, &location).await?;
    app.files_of(warehouse, &location).await?.delete_tree(&location).await?;

    let permit = Permit::operator(Queue::TabularPurge.as_str());
    let mut writer = app.store.begin(&permit).await?;
    let kind = if task.entity_kind == "view" { EventKind::ViewPurged } else { EventKind::TablePurged };
    let happened = Happened {
        kind,
        warehouse: Some(warehouse),
        subject: format!("{}/{}", task.entity_kind, task.entity_id),
        data: json!({"location": location.as_str()}),
    };
    record(&mut writer, &permit, happened, app.clock.now_ms()).await?;
    Ok(writer)
}

async fn refuse_foreign(app: &App, id: WarehouseId, location: &Location) -> Result<(), Trouble> {
    let warehouse = app.store.warehouse(id).await?;
    let warehouse =
        warehouse.ok_or_else(|| Trouble::Never(format!("warehouse {id} is gone, so its files are kept")))?;
    if !warehouse.root.contains(location) || warehouse.root == *location {
        return Err(Trouble::Never(format!(
            "`{location}` does not lie below `{}`, the root of warehouse {}, so it is kept",
            warehouse.root, warehouse.name
        )));
    }
    match app.store.tabular_overlapping(id, location).await? {
        None => Ok(()),
        Some(other) => Err(Trouble::Never(format!(
            "`{location}` overlaps with `{}` of {} {}.{}, so it is kept",
            other.location,
            other.kind.as_str(),
            other.namespace,
            other.name
        ))),
    }
}
