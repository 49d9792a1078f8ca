//! Writers that meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::task::JoinSet;
use weir::store::rows::{Inserted, Rename, Renamed, TabularKind, Warehouse, WarehouseStatus};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{begin, fresh_location, ident, ledger, ledger_with, metadata_location, swap_with};

/// Of one table, one after the other.
const SWAPS: i64 = 40;

/// R1: every success is one version, no update is lost.
async fn the_final_version_is_the_number_of_swaps_that_won(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    ledger.table("t").await;
    let mut writers = JoinSet::new();
    for _ in 0..16 {
        let ledger = ledger.clone();
        writers.spawn(async move {
            let mut won = 0;
            for _ in 0..10 {
                let seen = ledger.read("t").await;
                won += i64::from(ledger.swap(&seen).await);
            }
            won
        });
    }

    let won: i64 = writers.join_all().await.into_iter().sum();

    let last = ledger.read("t").await;
    assert!(won > 0);
    assert_eq!(last.version, 1 + won);
    assert_eq!(last.metadata_location, metadata_location(last.version));
    let document = async |version| ledger.store.document(last.id, version, &metadata_location(version)).await.unwrap();
    assert!(document(last.version).await.is_some());
    assert!(document(last.version - 1).await.is_none());
    let other_file = metadata_location(last.version + 1);
    assert!(ledger.store.document(last.id, last.version, &other_file).await.unwrap().is_none());
    let told = ledger.store.events_page(None, 1_000).await.unwrap();
    let told = told.iter().filter(|event| event.kind == "weir.table.committed").count();
    assert_eq!(i64::try_from(told).unwrap(), won, "each swap that won is told of, no other");
}

/// R10: what a reader finds is never older than what was acknowledged before it asked, however often it asked before.
async fn nobody_reads_less_than_was_acknowledged(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    ledger.table("t").await;
    let acknowledged = Arc::new(AtomicI64::new(1));
    let mut readers = JoinSet::new();
    for _ in 0..4 {
        let (ledger, acknowledged) = (ledger.clone(), acknowledged.clone());
        readers.spawn(async move {
            let mut last = 0;
            while last < SWAPS {
                let before = acknowledged.load(Ordering::SeqCst);
                let found = ledger.read("t").await.version;
                assert!(found >= before && found >= last, "version {found}, after {before} and {last}");
                last = found;
                // What is remembered is found without waiting; the writer shares this thread.
                tokio::task::yield_now().await;
            }
        });
    }

    for _ in 1..SWAPS {
        let seen = ledger.read("t").await;
        assert!(ledger.swap(&seen).await, "there is one writer");
        acknowledged.store(seen.version + 1, Ordering::SeqCst);
    }

    readers.join_all().await;
}

/// What lies above a table decides with it whether it is found: its own row may stay as it was.
async fn a_table_goes_with_what_is_above_it_however_often_it_was_read(engine: Engine) {
    let ledger = ledger(engine).await;
    ledger.table("t").await;
    let of_warehouse = async || ledger.store.tabular(ledger.warehouse, &ident("t")).await.unwrap();
    for _ in 0..3 {
        assert!(of_warehouse().await.is_some());
    }

    let seen = ledger.store.warehouse(ledger.warehouse).await.unwrap().unwrap();
    let inactive = Warehouse { status: WarehouseStatus::Inactive, ..seen };
    let mut writer = begin(&ledger.store).await;
    assert!(writer.update_warehouse(&inactive, inactive.version).await.unwrap());
    assert!(of_warehouse().await.is_some(), "nothing is committed yet");
    writer.commit().await.unwrap();

    assert!(of_warehouse().await.is_none());
}

/// R2: a table and a view fight for one name too.
async fn of_many_inserts_with_one_name_one_wins(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    let mut inserts = JoinSet::new();
    for index in 0..20 {
        let ledger = ledger.clone();
        let kind = if index % 2 == 0 { TabularKind::Table } else { TabularKind::View };
        inserts.spawn(async move { (kind, ledger.insert(kind, "t", &fresh_location()).await.1) });
    }

    let done = inserts.join_all().await;

    let winner = done.iter().find(|(_, inserted)| *inserted == Inserted::Done).map(|(kind, _)| *kind).unwrap();
    assert_eq!(done.iter().filter(|(_, inserted)| *inserted == Inserted::Done).count(), 1);
    assert_eq!(done.iter().filter(|(_, inserted)| *inserted == Inserted::NameTaken(winner)).count(), 19);
}

/// R4: a name belongs to one table at all times.
async fn of_two_renames_to_one_name_one_wins(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    let mut renames = JoinSet::new();
    for index in 0..8 {
        let from = format!("t{index}");
        let id = ledger.table(&from).await;
        let ledger = ledger.clone();
        renames.spawn(async move {
            let namespace = ledger.namespace;
            let mut writer = begin(&ledger.store).await;
            let rename = Rename {
                id,
                from_namespace_id: namespace,
                from_name: &from,
                namespace_id: namespace,
                name: "same",
                now_ms: 9,
            };
            let renamed = writer.rename_tabular(&rename).await.unwrap();
            if renamed == Renamed::Done {
                writer.commit().await.unwrap();
            }
            renamed
        });
    }

    let done = renames.join_all().await;

    assert_eq!(done.iter().filter(|renamed| **renamed == Renamed::Done).count(), 1, "{done:?}");
    assert_eq!(done.iter().filter(|renamed| matches!(renamed, Renamed::NameTaken(_))).count(), 7, "{done:?}");
}

/// R3: a reader sees all swaps of a transaction or none.
async fn swaps_of_one_writer_appear_together(engine: Engine) {
    let ledger = ledger(engine).await;
    for name in ["a", "b"] {
        ledger.table(name).await;
    }
    let (a, b) = (ledger.read("a").await, ledger.read("b").await);
    let mut writer = begin(&ledger.store).await;
    assert!(swap_with(&mut writer, &a).await);

    let during = ledger.read("a").await.version;
    assert!(swap_with(&mut writer, &b).await);
    writer.commit().await.unwrap();

    assert_eq!(during, 1);
    assert_eq!((ledger.read("a").await.version, ledger.read("b").await.version), (2, 2));
}

/// R5: what was not committed never happened, also between writers that share a flush.
async fn a_dropped_writer_takes_only_its_own_changes_with_it(engine: Engine) {
    let ledger = Arc::new(ledger_with(engine, |settings| settings.group_commits_max = 5).await);
    for index in 0..30 {
        ledger.table(&format!("t{index}")).await;
    }
    let mut writers = JoinSet::new();
    for index in 0..30 {
        let ledger = ledger.clone();
        writers.spawn(async move {
            let seen = ledger.read(&format!("t{index}")).await;
            let mut writer = begin(&ledger.store).await;
            assert!(swap_with(&mut writer, &seen).await);
            match index % 3 {
                0 => drop(writer),
                _ => writer.commit().await.unwrap(),
            }
        });
    }
    writers.join_all().await;

    for index in 0..30 {
        let version = ledger.read(&format!("t{index}")).await.version;
        assert_eq!(version, if index % 3 == 0 { 1 } else { 2 }, "t{index}");
    }
}

/// R5: a caller that goes away during its commit blocks nobody.
async fn a_commit_whose_caller_went_away_is_finished_without_it(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    for index in 0..10 {
        ledger.table(&format!("t{index}")).await;
        let seen = ledger.read(&format!("t{index}")).await;
        let mut writer = begin(&ledger.store).await;
        assert!(swap_with(&mut writer, &seen).await);
        let commit = tokio::spawn(writer.commit());
        tokio::task::yield_now().await;
        commit.abort();
    }

    let seen = ledger.read("t0").await;

    ledger.table("after").await;
    assert!(ledger.store.tabular(ledger.warehouse, &ident("after")).await.unwrap().is_some());
    assert!(seen.version <= 2);
}

on_both_engines!(
    the_final_version_is_the_number_of_swaps_that_won,
    nobody_reads_less_than_was_acknowledged,
    a_table_goes_with_what_is_above_it_however_often_it_was_read,
    of_many_inserts_with_one_name_one_wins,
    of_two_renames_to_one_name_one_wins,
    swaps_of_one_writer_appear_together,
    a_dropped_writer_takes_only_its_own_changes_with_it,
    a_commit_whose_caller_went_away_is_finished_without_it,
);
