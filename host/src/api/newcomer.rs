//! A table or view that is about to be: its place, its row, the words when it cannot be.

use std::sync::Arc;

use uuid::Uuid;

use super::authorize::{Object, missing};
use super::contracts::Proposed;
use crate::catalog::difference::{Difference, Operation, Side};
use crate::catalog::ident::TableIdent;
use crate::catalog::ids::TabularId;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::catalog::view::ViewMetadata;
use crate::error::Error;
use crate::store::Writer;
use crate::store::rows::{Document, Event, Inserted, NamespaceRow, NewTabular, Tabular, TabularKind, Warehouse};

/// Where something new lies: inside its warehouse, never across another.
#[derive(Clone, Debug)]
pub struct Place {
    pub location: Location,
    /// Chosen by the client, so it may overlap others; a place of our own cannot.
    pub chosen: bool,
}

impl Place {
    /// `<warehouse root>/<uuid>`, or `<namespace's location>/<uuid>` where the namespace has one.
    ///
    /// Names are left out on purpose: a rename moves no files, so names in paths would collide one day.
    pub fn default(warehouse: &Warehouse, namespace: &NamespaceRow, uuid: Uuid) -> Result<Self, Error> {
        match namespace.properties.get("location") {
            None => Ok(Self { location: warehouse.root.join(&uuid.to_string())?, chosen: false }),
            Some(text) => Ok(Self { location: inside(warehouse, text)?.join(&uuid.to_string())?, chosen: true }),
        }
    }

    /// A location that the client names.
    pub fn chosen(warehouse: &Warehouse, text: &str) -> Result<Self, Error> {
        let location = inside(warehouse, text)?;
        if location == warehouse.root {
            return Err(Error::BadRequest(format!(
                "location {location} is the root of warehouse {}; choose a place below it",
                warehouse.name
            )));
        }
        Ok(Self { location, chosen: true })
    }
}

fn inside(warehouse: &Warehouse, text: &str) -> Result<Location, Error> {
    let location = Location::parse(text)?;
    if !warehouse.root.contains(&location) {
        return Err(Error::BadRequest(format!(
            "location {location} lies outside warehouse {}, whose root is {}; choose a place below it or leave it out",
            warehouse.name, warehouse.root
        )));
    }
    Ok(location)
}

/// What a new row takes from its metadata.
#[derive(Clone, Debug)]
pub struct Birth<'a> {
    pub kind: TabularKind,
    pub uuid: Uuid,
    pub format_version: i32,
    pub metadata_location: &'a Location,
    pub now_ms: i64,
}

/// A row at its first version with how its location came about.
#[derive(Clone, Debug)]
pub struct Newcomer {
    pub row: Tabular,
    location_chosen: bool,
}

impl Newcomer {
    pub fn new(
        warehouse: &Warehouse,
        namespace: &NamespaceRow,
        ident: &TableIdent,
        place: Place,
        birth: &Birth<'_>,
    ) -> Self {
        let row = Tabular {
            id: TabularId::new(),
            kind: birth.kind,
            warehouse_id: warehouse.id,
            namespace_id: namespace.id,
            namespace: namespace.path.clone(),
            lineage: namespace.lineage.clone(),
            name: ident.name.clone(),
            uuid: birth.uuid,
            location: place.location,
            metadata_location: birth.metadata_location.to_string(),
            version: 1,
            format_version: birth.format_version,
            protected: false,
            deleted_at_ms: None,
            expires_at_ms: None,
            created_at_ms: birth.now_ms,
            updated_at_ms: None,
            warehouse_version: warehouse.version,
        };
        Self { row, location_chosen: place.chosen }
    }

    /// The creation of a table as contracts see it.
    pub async fn proposed_table(
        &self,
        operation: Operation,
        metadata: &Arc<TableMetadata>,
    ) -> Result<Proposed<'_>, Error> {
        let difference = Difference::new(None, Some(Side::table(Arc::clone(metadata))?));
        Ok(Proposed::new(operation, Object::Tabular(&self.row), difference))
    }

    /// The same of a view.
    pub async fn proposed_view(&self, operation: Operation, metadata: &ViewMetadata) -> Result<Proposed<'_>, Error> {
        let difference = Difference::new(None, Some(Side::view(Arc::new(metadata.clone()))?));
        Ok(Proposed::new(operation, Object::Tabular(&self.row), difference))
    }

    /// Puts it into the ledger with the event that tells how it came about, or says why it cannot be there.
    pub async fn insert(&self, writer: &mut Writer, document: &Document, event: &Event) -> Result<(), Error> {
        let row = &self.row;
        let new = NewTabular {
            id: row.id,
            kind: row.kind,
            warehouse_id: row.warehouse_id,
            namespace_id: row.namespace_id,
            name: &row.name,
            uuid: row.uuid,
            location: &row.location,
            location_chosen: self.location_chosen,
            metadata_location: &row.metadata_location,
            format_version: row.format_version,
            now_ms: row.created_at_ms,
        };
        match writer.insert_tabular(&new, document, event).await? {
            Inserted::Done => Ok(()),
            Inserted::NameTaken(holder) => {
                Err(name_taken(row.kind, holder, format_args!("{}.{}", row.namespace, row.name)))
            }
            Inserted::LocationTaken(_) => Err(location_taken(&row.location)),
            Inserted::NamespaceGone => Err(missing::namespace(&row.namespace)),
        }
    }
}

/// Where the other one lies is not told: the caller may not know that it exists.
pub fn location_taken(wanted: &Location) -> Error {
    Error::AlreadyExists(format!(
        "location {wanted} overlaps that of another table (maybe a soft-deleted one); choose another place or leave it \
         out"
    ))
}

/// Java's words for a name that is held: by the same kind, or by the other.
pub fn name_taken(wanted: TabularKind, holder: TabularKind, ident: impl std::fmt::Display) -> Error {
    Error::AlreadyExists(match (wanted, holder) {
        (TabularKind::Table, TabularKind::Table) => format!("Table already exists: {ident}"),
        (TabularKind::View, TabularKind::View) => format!("View already exists: {ident}"),
        (TabularKind::Table, TabularKind::View) => format!("View with same name already exists: {ident}"),
        (TabularKind::View, TabularKind::Table) => format!("Table with same name already exists: {ident}"),
    })
}
