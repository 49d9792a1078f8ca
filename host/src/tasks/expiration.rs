//! Soft-deleted tables and views whose time has come are dropped for good.

use serde_json::json;

use super::Trouble;
use super::order::Order;
use super::queue::{Expiration, Purge, Queue, payload, payload_text};
use crate::api::record::{Happened, TabularChange, record};
use crate::app::App;
use crate::catalog::ids::TabularId;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Tabular, Task};

/// Drops the row if it still is soft-deleted by the same drop, and orders the purge where that was asked for.
///
/// INVARIANT: of an undrop and this only one happens, whichever writes first; no clock decides between them.
pub async fn work(app: &App, task: &Task) -> Result<Writer, Trouble> {
    let expiration: Expiration = payload(&task.payload)?;
    let warehouse = task.warehouse_id.ok_or_else(|| Trouble::Never("the task names no warehouse".into()))?;
    let found = app.store.tabular_by_id(warehouse, TabularId(task.entity_id), true).await?;
    let permit = Permit::operator(Queue::SoftDeletion.as_str());
    let mut writer = app.store.begin(&permit).await?;
    let Some(tabular) = found.filter(|row| row.deleted_at_ms == Some(expiration.deleted_at_ms)) else {
        return Ok(writer);
    };
    if writer.drop_soft_deleted(tabular.id, expiration.deleted_at_ms).await? {
        let now_ms = app.clock.now_ms();
        if expiration.purge {
            order_purge(&mut writer, task, &tabular, now_ms).await?;
        }
        let more = json!({"purge": expiration.purge, "expired": true});
        record(&mut writer, &permit, Happened::to_tabular(TabularChange::Dropped, &tabular, more), now_ms).await?;
    }
    Ok(writer)
}

async fn order_purge(writer: &mut Writer, task: &Task, tabular: &Tabular, now_ms: i64) -> Result<()> {
    let project = task.project_id.as_ref();
    let project = project.ok_or_else(|| Error::internal(anyhow::anyhow!("task {} names no project", task.id)))?;
    let payload = payload_text(&Purge { location: tabular.location.as_str().to_owned() })?;
    let order = Order { project, queue: Queue::TabularPurge, payload, scheduled_for_ms: now_ms };
    let mut purge = order.about(tabular, now_ms)?;
    purge.parent_id = Some(task.id);
    if writer.enqueue_task(&purge).await? {
        return Ok(());
    }
    Err(Error::internal(anyhow::anyhow!("a purge of {} is under way already", tabular.id)))
}
