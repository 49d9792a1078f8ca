//! What the ledger holds, as plain rows.

use indexmap::IndexMap;
use uuid::Uuid;

use crate::catalog::document::Packed;
use crate::catalog::ident::Namespace;
use crate::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use crate::catalog::location::Location;

pub use super::principal_rows::{Member, Role, UpdatedWith, User, UserKind};
pub use super::task_rows::{NewTask, Task, TaskAttempt, TaskFilter, TaskOutcome, TaskReport, TaskStatus};

/// The one row about this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub id: Uuid,
    /// What page tokens are signed with; never leaves the host.
    pub page_key: [u8; 32],
    pub created_at_ms: i64,
    pub bootstrapped_at_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarehouseStatus {
    Active,
    Inactive,
}

impl WarehouseStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// What becomes of a dropped table or view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteProfile {
    /// Gone at once.
    Hard,
    /// Can be brought back until it expires.
    Soft { expiration_seconds: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    pub id: WarehouseId,
    pub project_id: ProjectId,
    pub name: String,
    pub status: WarehouseStatus,
    pub root: Location,
    /// JSON.
    pub storage_profile: String,
    pub delete_profile: DeleteProfile,
    pub protected: bool,
    /// JSON.
    pub settings: String,
    /// Starts at 1, grows by one with each change.
    pub version: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
}

/// The secret of a warehouse, as only its keeper can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    pub warehouse_id: WarehouseId,
    /// Starts at 1, grows by one with each secret that replaces another.
    pub version: i64,
    pub keeper: String,
    pub sealed: Vec<u8>,
    pub updated_at_ms: i64,
}

pub type Properties = IndexMap<String, String>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceRow {
    pub id: NamespaceId,
    pub warehouse_id: WarehouseId,
    pub path: Namespace,
    /// The ids from the root to this one, which is last.
    pub lineage: Vec<NamespaceId>,
    pub properties: Properties,
    pub protected: bool,
    /// Starts at 1, grows by one with each change.
    pub version: i64,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
    pub warehouse_version: i64,
}

/// What a name stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub warehouse: Warehouse,
    pub namespace: Option<NamespaceRow>,
    /// The kind of the live table or view that has the name.
    pub holder: Option<TabularKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TabularKind {
    Table,
    View,
}

impl TabularKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// A table or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tabular {
    pub id: TabularId,
    pub kind: TabularKind,
    pub warehouse_id: WarehouseId,
    pub namespace_id: NamespaceId,
    pub namespace: Namespace,
    /// The ids of the namespace from the root down to `namespace_id`.
    pub lineage: Vec<NamespaceId>,
    pub name: String,
    /// The `table-uuid` or `view-uuid` of the metadata.
    pub uuid: Uuid,
    pub location: Location,
    pub metadata_location: String,
    /// Starts at 1, grows by one with each swap of the metadata.
    pub version: i64,
    pub format_version: i32,
    pub protected: bool,
    pub deleted_at_ms: Option<i64>,
    pub expires_at_ms: Option<i64>,
    pub created_at_ms: i64,
    pub updated_at_ms: Option<i64>,
    pub warehouse_version: i64,
}

/// A table or view as the one who drops it saw it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub id: TabularId,
    pub namespace: NamespaceId,
    pub name: &'a str,
    /// Whether it is dropped although it is protected.
    pub force: bool,
}

impl Tabular {
    /// As it is dropped, if nothing has changed about that meanwhile.
    pub fn seen(&self, force: bool) -> Seen<'_> {
        Seen { id: self.id, namespace: self.namespace_id, name: &self.name, force }
    }
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabularEntry {
    pub id: TabularId,
    pub name: String,
}

/// What a warehouse holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TabularCounts {
    pub tables: i64,
    pub views: i64,
}

/// The metadata as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub all: Packed,
    /// The same with only the snapshots that a ref points at; `None` where that is no difference.
    pub refs: Option<Packed>,
}

/// A table or view to insert at version 1.
#[derive(Clone, Debug)]
pub struct NewTabular<'a> {
    pub id: TabularId,
    pub kind: TabularKind,
    pub warehouse_id: WarehouseId,
    pub namespace_id: NamespaceId,
    pub name: &'a str,
    pub uuid: Uuid,
    pub location: &'a Location,
    /// Whether a caller chose the location. A location the server made from a fresh UUID cannot overlap with one that
    /// is being created beside it, so only chosen ones pay for waiting in line.
    pub location_chosen: bool,
    pub metadata_location: &'a str,
    pub format_version: i32,
    pub now_ms: i64,
}

/// What became of an insert; all but `Done` leave nothing behind, drop the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inserted {
    Done,
    /// A live table or view of this kind has the name.
    NameTaken(TabularKind),
    /// This location overlaps; it may belong to a soft-deleted table.
    LocationTaken(String),
    NamespaceGone,
}

/// New metadata for a table or view, if it still is what the caller saw.
#[derive(Clone, Debug)]
pub struct Swap<'a> {
    pub id: TabularId,
    pub expected_version: i64,
    pub expected_metadata_location: &'a str,
    pub metadata_location: &'a str,
    pub format_version: i32,
    pub uuid: Uuid,
    /// The new location where the commit moves it; `None` leaves it.
    pub moved_to: Option<&'a Location>,
    pub now_ms: i64,
}

/// What became of a swap; all but `Done` leave nothing behind, drop the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    Done,
    /// It moved on, or it is gone.
    Lost,
    /// The location it moves to overlaps with this one.
    LocationTaken(String),
}

/// A new name for a table or view, if it still is where the caller saw it.
#[derive(Clone, Debug)]
pub struct Rename<'a> {
    pub id: TabularId,
    /// Where the caller saw it.
    pub from_namespace_id: NamespaceId,
    pub from_name: &'a str,
    pub namespace_id: NamespaceId,
    pub name: &'a str,
    pub now_ms: i64,
}

/// What became of a drop; all but `Done` leave nothing behind, drop the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    Done,
    /// It is gone, soft-deleted, or has another name by now: whoever renamed it was told that it is there.
    Gone,
    /// It was protected meanwhile.
    Protected,
}

/// What became of a rename; all but `Done` leave nothing behind, drop the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    Done,
    NameTaken(TabularKind),
    /// The table is gone or has another name by now.
    Gone,
    NamespaceGone,
}

/// A new path for a namespace, if it still is where the caller saw it.
#[derive(Clone, Copy, Debug)]
pub struct MoveNamespace<'a> {
    pub from: &'a NamespaceRow,
    /// The namespace that it is to lie in; `None` at the top of the warehouse.
    pub above: Option<&'a NamespaceRow>,
    pub path: &'a Namespace,
    /// The tables and views that may come along, as they were when that was decided; `None` where any may.
    pub inside: Option<&'a [Tabular]>,
    pub now_ms: i64,
}

/// What became of a move; all but `Done` leave nothing behind, drop the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedNamespace {
    Done,
    NameTaken,
    HasChildren,
    /// A table or a view lies inside that is not among those which may come along, or has changed since.
    HoldsOther,
    /// It, or the one above its new place, has changed or is gone.
    Lost,
}

/// What a recursive drop of a namespace takes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// The namespace itself with everything below, deepest first.
    pub namespaces: Vec<NamespaceRow>,
    /// Live and soft-deleted, in the order of their ids.
    pub tabulars: Vec<Tabular>,
}

/// The first answer to a request with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub warehouse_id: WarehouseId,
    pub caller: String,
    pub key: String,
    /// Tells whether a second request with the key is the same request.
    pub request_digest: String,
    pub status: i32,
    pub answer: Vec<u8>,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
}

/// What happened, as it waits for delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// UUID v7: the order of ids is the order of time.
    pub id: Uuid,
    pub kind: String,
    pub warehouse_id: Option<WarehouseId>,
    pub subject: String,
    /// JSON.
    pub body: String,
    pub at_ms: i64,
}

/// Somebody who passes events on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    pub name: String,
    /// Of the last event that was delivered.
    pub position: i64,
    pub holder: Option<Uuid>,
    pub lease_until_ms: i64,
    /// Since the last delivery.
    pub failures: i64,
    pub retry_at_ms: i64,
    pub last_error: Option<String>,
}

/// An event that a sink refused until it was tried no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub id: Uuid,
    pub relay: String,
    pub event_id: Uuid,
    pub position: i64,
    pub kind: String,
    pub subject: String,
    /// JSON.
    pub body: String,
    pub attempts: i64,
    pub error: String,
    pub died_at_ms: i64,
}
