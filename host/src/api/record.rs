//! What happened goes into the outbox in the transaction that made it happen.

use serde_json::{Value, json};
use uuid::Uuid;

use super::audit;
use crate::catalog::ids::WarehouseId;
use crate::error::Result;
use crate::events::{EventBody, EventKind, body_text};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Event, NamespaceRow, Tabular, TabularKind, Warehouse};

/// One change, told to whoever listens.
#[derive(Debug)]
pub struct Happened {
    pub kind: EventKind,
    pub warehouse: Option<WarehouseId>,
    /// What it happened to: its kind and its id, e.g. `table/018f…`.
    pub subject: String,
    pub data: Value,
}

/// The event kinds of a change that tables and views share.
#[derive(Clone, Copy, Debug)]
pub enum TabularChange {
    Created,
    Registered,
    Committed,
    Renamed,
    Protected,
    SoftDeleted,
    Undropped,
    Dropped,
    Purged,
}

impl TabularChange {
    pub const fn of(self, kind: TabularKind) -> EventKind {
        match (self, kind) {
            (Self::Created, TabularKind::Table) => EventKind::TableCreated,
            (Self::Created, TabularKind::View) => EventKind::ViewCreated,
            (Self::Registered, TabularKind::Table) => EventKind::TableRegistered,
            (Self::Registered, TabularKind::View) => EventKind::ViewRegistered,
            (Self::Committed, TabularKind::Table) => EventKind::TableCommitted,
            (Self::Committed, TabularKind::View) => EventKind::ViewCommitted,
            (Self::Renamed, TabularKind::Table) => EventKind::TableRenamed,
            (Self::Renamed, TabularKind::View) => EventKind::ViewRenamed,
            (Self::Protected, TabularKind::Table) => EventKind::TableProtected,
            (Self::Protected, TabularKind::View) => EventKind::ViewProtected,
            (Self::SoftDeleted, TabularKind::Table) => EventKind::TableSoftDeleted,
            (Self::SoftDeleted, TabularKind::View) => EventKind::ViewSoftDeleted,
            (Self::Undropped, TabularKind::Table) => EventKind::TableUndropped,
            (Self::Undropped, TabularKind::View) => EventKind::ViewUndropped,
            (Self::Dropped, TabularKind::Table) => EventKind::TableDropped,
            (Self::Dropped, TabularKind::View) => EventKind::ViewDropped,
            (Self::Purged, TabularKind::Table) => EventKind::TablePurged,
            (Self::Purged, TabularKind::View) => EventKind::ViewPurged,
        }
    }
}

impl Happened {
    /// To a table or a view; `more` joins the names that every such event carries.
    pub fn to_tabular(change: TabularChange, tabular: &Tabular, more: Value) -> Self {
        let data = json!({
            "namespace": tabular.namespace.parts(),
            "namespace-ids": tabular.lineage,
            "name": tabular.name,
            "uuid": tabular.uuid,
            "metadata-location": tabular.metadata_location,
        });
        Self {
            kind: change.of(tabular.kind),
            warehouse: Some(tabular.warehouse_id),
            subject: format!("{}/{}", tabular.kind.as_str(), tabular.id),
            data: joined(data, more),
        }
    }

    pub fn to_namespace(kind: EventKind, row: &NamespaceRow) -> Self {
        let data = json!({"namespace": row.path.parts(), "namespace-ids": row.lineage});
        Self { kind, warehouse: Some(row.warehouse_id), subject: format!("namespace/{}", row.id), data }
    }

    pub fn to_warehouse(kind: EventKind, warehouse: &Warehouse) -> Self {
        let data = json!({"name": warehouse.name, "project-id": warehouse.project_id.as_str()});
        Self { kind, warehouse: Some(warehouse.id), subject: format!("warehouse/{}", warehouse.id), data }
    }
}

fn joined(mut data: Value, more: Value) -> Value {
    if let (Value::Object(data), Value::Object(more)) = (&mut data, more) {
        data.extend(more);
    }
    data
}

/// Writes the event beside the change, with the record of the decision that allowed it; all become true together.
pub async fn record(writer: &mut Writer, permit: &Permit, happened: Happened, now_ms: i64) -> Result<()> {
    writer.append_event(&event(permit, happened, now_ms)?).await?;
    audit::store_with(writer, now_ms).await
}

/// The event as it is written, by a statement that makes the change as well; [`audit::store_with`] follows.
pub fn event(permit: &Permit, happened: Happened, now_ms: i64) -> Result<Event> {
    let id = Uuid::now_v7();
    let body = body_text(&EventBody {
        id,
        kind: happened.kind,
        at_ms: now_ms,
        actor: permit.actor(),
        request_id: permit.request_id(),
        warehouse: happened.warehouse.map(|warehouse| warehouse.0),
        subject: &happened.subject,
        data: happened.data,
    })?;
    Ok(Event {
        id,
        kind: happened.kind.as_str().to_owned(),
        warehouse_id: happened.warehouse,
        subject: happened.subject,
        body,
        at_ms: now_ms,
    })
}
