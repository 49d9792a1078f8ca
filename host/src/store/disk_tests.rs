//! Tests of the embedded ledger on a disk that refuses writes (R7).

use uuid::Uuid;

use super::rows::Event;
use super::{Engine, Store, StoreSettings, StoreUrl};
use crate::error::Error;
use crate::permit::Permit;

async fn open(folder: &tempfile::TempDir) -> Store {
    let store = Store::open(&StoreSettings::new(StoreUrl::Sqlite(folder.path().join("weir.db")))).await.unwrap();
    store.migrate(1).await.unwrap();
    store
}

/// SQLite answers the same as on a full disk once the file may have no more pages.
async fn limit_pages(store: &Store, pages_max: &'static str) {
    let Engine::Sqlite(embedded) = store.engine() else { panic!("this test is about SQLite") };
    let mut turn = embedded.writer.alone().await.unwrap();
    sqlx::raw_sql(pages_max).execute(turn.connection()).await.unwrap();
}

async fn append(store: &Store, bytes: usize) -> Result<(), Error> {
    let mut writer = store.begin(&Permit::operator("test")).await?;
    let event = Event {
        id: Uuid::now_v7(),
        kind: "test".to_owned(),
        warehouse_id: None,
        subject: "test".to_owned(),
        body: "x".repeat(bytes),
        at_ms: 1,
    };
    writer.append_event(&event).await?;
    writer.commit().await
}

/// R7: no write is acknowledged on a full disk; reads go on; once there is space everything does.
#[tokio::test]
async fn a_full_disk_stops_acknowledging_until_space_returns() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    append(&store, 10).await.unwrap();
    limit_pages(&store, "PRAGMA max_page_count = 1").await;

    let failed = append(&store, 1_000_000).await.unwrap_err();
    let events_then = store.events_page(None, 9).await.unwrap().len();
    limit_pages(&store, "PRAGMA max_page_count = 1000000").await;
    store.ready().await.unwrap();
    append(&store, 1_000_000).await.unwrap();

    assert!(matches!(failed, Error::Unavailable { .. }), "{failed}");
    assert_eq!(events_then, 1);
    assert_eq!(store.events_page(None, 9).await.unwrap().len(), 2);
}

/// R7: while the disk fails, whoever comes between two tries is refused at once, the readiness with them.
#[tokio::test]
async fn between_two_tries_nobody_waits_for_a_failing_disk() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    limit_pages(&store, "PRAGMA max_page_count = 1").await;
    append(&store, 1_000_000).await.unwrap_err();
    let Engine::Sqlite(embedded) = store.engine() else { panic!("this test is about SQLite") };
    embedded.writer.admit_for_tests();

    let refused = append(&store, 10).await.unwrap_err();
    let ready = store.ready().await.unwrap_err();

    for error in [refused, ready] {
        assert!(error.to_string().contains("disk refuses writes"), "{error}");
    }
}

/// R7: a writer that meets a full disk may take its group with it, never the truth about it.
#[tokio::test]
async fn a_commit_that_shares_its_flush_with_a_failing_writer_is_kept_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    limit_pages(&store, "PRAGMA max_page_count = 1").await;
    let failing = store.clone();
    let mut first = store.begin(&Permit::operator("test")).await.unwrap();
    let second = tokio::spawn(async move { append(&failing, 1_000_000).await });
    tokio::task::yield_now().await;
    let event = Event {
        id: Uuid::now_v7(),
        kind: "test".to_owned(),
        warehouse_id: None,
        subject: "test".to_owned(),
        body: String::new(),
        at_ms: 1,
    };
    first.append_event(&event).await.unwrap();

    let kept = first.commit().await;
    let failed = second.await.unwrap();

    let found = store.events_page(None, 9).await.unwrap();
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "{failed:?}");
    assert_eq!(kept.is_ok(), found.iter().any(|found| found.id == event.id), "{kept:?}");
    assert_eq!(found.len(), usize::from(kept.is_ok()));
}
