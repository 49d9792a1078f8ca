//! A migrated ledger with one warehouse that holds one namespace.

use bytes::Bytes;
use indexmap::IndexMap;
use tempfile::TempDir;
use uuid::Uuid;
use weir::catalog::document::Packed;
use weir::catalog::ident::{Namespace, TableIdent};
use weir::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use weir::catalog::location::Location;
use weir::permit::Permit;
use weir::store::rows::{
    DeleteProfile, Document, Event, Inserted, NamespaceRow, NewTabular, Project, Seen, Swap, Swapped, Tabular,
    TabularKind, Warehouse, WarehouseStatus,
};
use weir::store::{Store, StoreSettings, StoreUrl, Writer};
use weir_tests::{Database, Engine};

pub struct Ledger {
    pub store: Store,
    pub settings: StoreSettings,
    pub warehouse: WarehouseId,
    pub namespace: NamespaceId,
    _database: Database,
    _folder: TempDir,
}

pub async fn ledger(engine: Engine) -> Ledger {
    ledger_with(engine, |_| {}).await
}

pub async fn ledger_with(engine: Engine, adjust: impl FnOnce(&mut StoreSettings)) -> Ledger {
    let (folder, database, mut settings) = empty(engine).await;
    adjust(&mut settings);
    let store = Store::open(&settings).await.unwrap();
    store.migrate(1).await.unwrap();
    let (warehouse, namespace) = (WarehouseId::new(), NamespaceId::new());
    let mut writer = begin(&store).await;
    writer.insert_project(&project()).await.unwrap();
    assert!(writer.insert_warehouse(&warehouse_row(warehouse, "lake")).await.unwrap());
    assert!(writer.insert_namespace(&namespace_row(warehouse, &[namespace], "sales")).await.unwrap());
    writer.commit().await.unwrap();
    Ledger { store, settings, warehouse, namespace, _database: database, _folder: folder }
}

/// Where a ledger can be opened that holds nothing yet.
pub async fn empty(engine: Engine) -> (TempDir, Database, StoreSettings) {
    let folder = TempDir::new().unwrap();
    let database = Database::create(engine, folder.path()).await;
    let mut settings = StoreSettings::new(StoreUrl::parse(database.url()).unwrap());
    settings.connections_max = 6;
    // The machine of the tests is busy; who waits for a connection in vain is told so by tests of their own.
    settings.acquire_timeout_ms = 20_000;
    (folder, database, settings)
}

pub async fn begin(store: &Store) -> Writer {
    store.begin(&Permit::operator("test")).await.unwrap()
}

pub fn project() -> Project {
    let id = ProjectId::parse("default").unwrap();
    Project { id, name: "Default".to_owned(), created_at_ms: 1, updated_at_ms: None }
}

pub fn warehouse_row(id: WarehouseId, name: &str) -> Warehouse {
    Warehouse {
        id,
        project_id: project().id,
        name: name.to_owned(),
        status: WarehouseStatus::Active,
        root: location(&format!("file:///lake/{name}")),
        storage_profile: r#"{"type":"local"}"#.to_owned(),
        delete_profile: DeleteProfile::Hard,
        protected: false,
        settings: "{}".to_owned(),
        version: 1,
        created_at_ms: 1,
        updated_at_ms: None,
    }
}

pub fn namespace_row(warehouse_id: WarehouseId, lineage: &[NamespaceId], path: &str) -> NamespaceRow {
    NamespaceRow {
        id: *lineage.last().unwrap(),
        warehouse_id,
        path: namespace(path),
        lineage: lineage.to_vec(),
        properties: IndexMap::from([("zone".to_owned(), "b".to_owned()), ("owner".to_owned(), "a".to_owned())]),
        protected: false,
        version: 1,
        created_at_ms: 1,
        updated_at_ms: None,
        warehouse_version: 1,
    }
}

pub fn namespace(dotted: &str) -> Namespace {
    Namespace::parse(dotted.split('.').map(str::to_owned).collect()).unwrap()
}

pub fn ident(name: &str) -> TableIdent {
    TableIdent::parse(namespace("sales"), name.to_owned()).unwrap()
}

pub fn location(text: &str) -> Location {
    Location::parse(text).unwrap()
}

pub fn document(text: &str) -> Document {
    let packed = |deflated: &str, crc32| Packed {
        deflated: Bytes::copy_from_slice(deflated.as_bytes()),
        crc32,
        length: deflated.len() as u64,
    };
    Document { all: packed(text, u32::MAX), refs: text.len().is_multiple_of(2).then(|| packed("refs", 7)) }
}

/// An event of a table, with an id of its own.
pub fn event(what: &str) -> Event {
    Event {
        id: Uuid::now_v7(),
        kind: format!("weir.table.{what}"),
        warehouse_id: None,
        subject: "table/1".to_owned(),
        body: "{}".to_owned(),
        at_ms: 1,
    }
}

pub fn metadata_location(version: i64) -> String {
    format!("file:///lake/{version:05}.metadata.json")
}

impl Ledger {
    /// A table or view under this name, to be dropped without force.
    pub fn seen<'a>(&self, id: TabularId, name: &'a str) -> Seen<'a> {
        Seen { id, namespace: self.namespace, name, force: false }
    }

    /// Inserts a table or view at a chosen location.
    pub async fn insert(&self, kind: TabularKind, name: &str, at: &Location) -> (TabularId, Inserted) {
        let id = TabularId::new();
        let mut writer = begin(&self.store).await;
        let new = NewTabular {
            id,
            kind,
            warehouse_id: self.warehouse,
            namespace_id: self.namespace,
            name,
            uuid: Uuid::new_v4(),
            location: at,
            location_chosen: true,
            metadata_location: &metadata_location(1),
            format_version: 2,
            now_ms: 2,
        };
        let inserted = writer.insert_tabular(&new, &document("one"), &event("created")).await.unwrap();
        if inserted == Inserted::Done {
            writer.commit().await.unwrap();
        }
        (id, inserted)
    }

    /// A table at a location of its own.
    pub async fn table(&self, name: &str) -> TabularId {
        let (id, inserted) = self.insert(TabularKind::Table, name, &fresh_location()).await;
        assert_eq!(inserted, Inserted::Done);
        id
    }

    /// One commit on what was read; `false` where somebody was faster.
    pub async fn swap(&self, seen: &Tabular) -> bool {
        let mut writer = begin(&self.store).await;
        let swapped = swap_with(&mut writer, seen).await;
        if swapped {
            writer.commit().await.unwrap();
        }
        swapped
    }

    pub async fn read(&self, name: &str) -> Tabular {
        self.store.tabular(self.warehouse, &ident(name)).await.unwrap().unwrap()
    }
}

pub fn fresh_location() -> Location {
    location(&format!("file:///lake/{}", Uuid::new_v4()))
}

pub async fn swap_with(writer: &mut Writer, seen: &Tabular) -> bool {
    let swap = Swap {
        id: seen.id,
        expected_version: seen.version,
        expected_metadata_location: &seen.metadata_location,
        metadata_location: &metadata_location(seen.version + 1),
        format_version: seen.format_version,
        uuid: seen.uuid,
        moved_to: None,
        now_ms: 3,
    };
    writer.swap_metadata(&swap, &document("another"), &event("committed")).await.unwrap() == Swapped::Done
}
