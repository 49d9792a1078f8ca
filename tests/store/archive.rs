//! A catalog moves between the engines unchanged (R16).

use uuid::Uuid;
use weir::catalog::ids::{NamespaceId, ProjectId, TaskId, WarehouseId};
use weir::error::Error;
use weir::permit::Permit;
use weir::store::rows::{Dropped, Event, Idempotency, NewTask, TabularKind, TaskOutcome, TaskReport};
use weir::store::{Carried, Store, StoreSettings, export};
use weir_tests::{Database, Engine, on_both_engines};

use crate::fixture::{Ledger, begin, empty, ledger, location, namespace_row};

/// At least one row in every table, with every column that may be empty both empty and full somewhere.
async fn fill(ledger: &Ledger) {
    let (table, _) = ledger.insert(TabularKind::Table, "naïve \"quoted\"", &location("file:///lake/x")).await;
    ledger.insert(TabularKind::View, "v", &location("file:///lake/v")).await;
    let deep = NamespaceId::new();
    let mut writer = begin(&ledger.store).await;
    assert!(writer.bootstrap(9).await.unwrap());
    assert!(
        writer.insert_namespace(&namespace_row(ledger.warehouse, &[ledger.namespace, deep], "sales.eu")).await.unwrap()
    );
    assert_eq!(writer.soft_delete(ledger.seen(table, "naïve \"quoted\""), (10, 20)).await.unwrap(), Dropped::Done);
    for index in 0..2_u128 {
        let event = Event {
            id: Uuid::from_u128(index),
            kind: "weir.table.created".to_owned(),
            warehouse_id: (index == 0).then_some(ledger.warehouse),
            subject: "table/1".to_owned(),
            body: "{\"a\":\"\\u0000\"}".to_owned(),
            at_ms: i64::MAX,
        };
        writer.append_event(&event).await.unwrap();
    }
    let key = Idempotency {
        warehouse_id: ledger.warehouse,
        caller: "ann".to_owned(),
        key: "k".to_owned(),
        request_digest: "d".to_owned(),
        status: 204,
        answer: (0..=255).collect(),
        created_at_ms: -1,
        expires_at_ms: i64::MIN,
    };
    assert!(writer.insert_idempotency(&key).await.unwrap());
    writer.commit().await.unwrap();
    fill_tasks(ledger).await;
}

async fn fill_tasks(ledger: &Ledger) {
    let mut writer = begin(&ledger.store).await;
    for index in 0..3_u128 {
        let task = NewTask {
            id: TaskId::new(),
            queue: "purge".to_owned(),
            project_id: (index == 0).then(|| ProjectId::parse("default").unwrap()),
            warehouse_id: (index == 1).then_some(ledger.warehouse),
            entity_id: Uuid::from_u128(index),
            entity_kind: "table".to_owned(),
            entity_name: "sales.x".to_owned(),
            scheduled_for_ms: 10,
            payload: "{}".to_owned(),
            location: (index == 1).then(|| location("file:///lake/gone")),
            parent_id: (index == 2).then(TaskId::new),
            now_ms: 1,
        };
        assert!(writer.enqueue_task(&task).await.unwrap());
    }
    for task in writer.claim_tasks("purge", 20, 1_000, 2).await.unwrap() {
        let report = TaskReport { progress: 0.1 + 0.2, details: Some("{}"), lease_until_ms: 5_000 };
        writer.heartbeat(&task, &report, 30).await.unwrap();
        let retry = TaskOutcome::Retry { message: "again".to_owned(), at_ms: 99 };
        assert!(writer.finish_task(&task, &retry, 40).await.unwrap());
    }
    writer.commit().await.unwrap();
}

async fn archive(settings: &StoreSettings) -> (Vec<u8>, Carried) {
    let mut bytes = Vec::new();
    let carried = export(&settings.url, &mut bytes, &mut |_, _| {}).await.unwrap();
    (bytes, carried)
}

async fn import_into(engine: Engine, bytes: &[u8]) -> (tempfile::TempDir, Database, StoreSettings, Carried) {
    let (folder, database, settings) = empty(engine).await;
    let store = Store::open(&settings).await.unwrap();
    store.migrate(77).await.unwrap();
    let carried = store.import(&Permit::operator("test"), bytes, &mut |_, _| {}).await.unwrap();
    store.close().await;
    (folder, database, settings, carried)
}

/// R16: there and back again every digest is the same.
async fn a_catalog_keeps_its_digest_from_engine_to_engine(engine: Engine) {
    let ledger = ledger(engine).await;
    fill(&ledger).await;
    let (bytes, first) = archive(&ledger.settings).await;
    let engines = Engine::ALL.into_iter().filter(|engine| engine.is_available());

    for other in engines {
        let (_folder, _database, settings, imported) = import_into(other, &bytes).await;
        let (again, exported) = archive(&settings).await;
        let (_home_folder, _home_database, home_settings, _) = import_into(engine, &again).await;
        let (_, home) = archive(&home_settings).await;

        assert_eq!((&imported, &exported, &home), (&first, &first, &first), "over {other:?}");
    }
    assert!(first.rows > 14, "{first:?}");
}

async fn an_archive_is_not_imported_over_anything(engine: Engine) {
    let ledger = ledger(engine).await;
    let (bytes, _) = archive(&ledger.settings).await;

    let refused = ledger.store.import(&Permit::operator("test"), &bytes[..], &mut |_, _| {}).await;

    assert!(matches!(refused, Err(Error::Conflict(message)) if message.contains("not empty")));
}

async fn a_damaged_archive_leaves_the_ledger_empty(engine: Engine) {
    let source = ledger(engine).await;
    let (bytes, _) = archive(&source.settings).await;
    let (_folder, _database, settings) = empty(engine).await;
    let store = Store::open(&settings).await.unwrap();
    store.migrate(1).await.unwrap();
    let permit = Permit::operator("test");
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut plain).unwrap();
    let gzip = |text: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let damaged = [
        bytes[..bytes.len() / 2].to_vec(),
        b"not gzip".to_vec(),
        gzip(&plain.replacen("sales", "sold!", 1)),
        gzip(&plain.replacen("[\"namespaces\"", "[\"nowhere\"", 1)),
        gzip(plain.rsplit_once("{\"rows\"").unwrap().0),
        gzip(""),
    ];

    for bytes in damaged {
        let refused = store.import(&permit, &bytes[..], &mut |_, _| {}).await;
        assert!(matches!(refused, Err(Error::BadRequest(_))), "{refused:?}");
    }

    assert!(store.projects_page(None, 9).await.unwrap().is_empty());
    let whole = store.import(&permit, &bytes[..], &mut |_, _| {}).await;
    assert!(whole.is_ok(), "{whole:?}");
    assert!(store.warehouse(WarehouseId(source.warehouse.0)).await.unwrap().is_some());
}

on_both_engines!(
    a_catalog_keeps_its_digest_from_engine_to_engine,
    an_archive_is_not_imported_over_anything,
    a_damaged_archive_leaves_the_ledger_empty,
);
