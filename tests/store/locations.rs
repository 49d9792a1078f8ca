//! No two tables or views of a warehouse overlap in storage (S9).

use weir::store::rows::{Dropped, Inserted, TabularKind};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{begin, ledger, location};

/// S9: sibling prefixes share letters, not segments.
async fn sibling_prefixes_do_not_overlap_while_parents_and_children_do(engine: Engine) {
    let ledger = ledger(engine).await;
    let taken = ["file:///lake/a/t1", "file:///lake/b/deep/er", "file:///lake/c-x"];
    for (index, at) in taken.iter().enumerate() {
        let (_, inserted) = ledger.insert(TabularKind::Table, &format!("taken{index}"), &location(at)).await;
        assert_eq!(inserted, Inserted::Done);
    }
    let cases = [
        ("file:///lake/a/t1", Some(taken[0])),
        ("file:///lake/a/t1/", Some(taken[0])),
        ("file:///lake/a/t1/x", Some(taken[0])),
        ("file:///lake/a/t1/x/y", Some(taken[0])),
        ("file:///lake/a", Some(taken[0])),
        ("file:///lake/b", Some(taken[1])),
        ("file:///lake/b/deep", Some(taken[1])),
        ("file:///lake/b/deep/er/x", Some(taken[1])),
        ("file:///lake/a/t10", None),
        ("file:///lake/a/t1-", None),
        ("file:///lake/a/t", None),
        ("file:///lake/a/t1.x", None),
        ("file:///lake/b/deeper", None),
        ("file:///lake/c", None),
        ("file:///lake/c-", None),
        ("file:///lake/c-x0/y", None),
    ];

    for (index, (at, owner)) in cases.into_iter().enumerate() {
        let (_, inserted) = ledger.insert(TabularKind::View, &format!("case{index}"), &location(at)).await;
        let expected = owner.map_or(Inserted::Done, |owner| Inserted::LocationTaken(owner.to_owned()));
        assert_eq!(inserted, expected, "{at}");
    }
}

/// S9, R14: the files of a soft-deleted table are still its own.
async fn a_soft_deleted_table_keeps_its_location(engine: Engine) {
    let ledger = ledger(engine).await;
    let (id, _) = ledger.insert(TabularKind::Table, "old", &location("file:///lake/old")).await;
    let mut writer = begin(&ledger.store).await;
    assert_eq!(writer.soft_delete(ledger.seen(id, "old"), (5, 10)).await.unwrap(), Dropped::Done);
    writer.commit().await.unwrap();

    let (_, child) = ledger.insert(TabularKind::Table, "new", &location("file:///lake/old/x")).await;
    let (_, same_name) = ledger.insert(TabularKind::Table, "old", &location("file:///lake/new")).await;

    assert_eq!(child, Inserted::LocationTaken("file:///lake/old".to_owned()));
    assert_eq!(same_name, Inserted::Done);
}

/// S9: what two concurrent writers add must not overlap either.
async fn of_overlapping_locations_added_at_once_one_wins(engine: Engine) {
    let ledger = std::sync::Arc::new(ledger(engine).await);
    let at = |index: usize| match index % 3 {
        0 => "file:///lake/x".to_owned(),
        1 => format!("file:///lake/x/y{index}"),
        _ => format!("file:///lake/x/y{}/z", index - 1),
    };
    let mut inserts = tokio::task::JoinSet::new();
    for index in 0..12 {
        let (ledger, at) = (ledger.clone(), location(&at(index)));
        inserts.spawn(async move {
            let (_, inserted) = ledger.insert(TabularKind::Table, &format!("t{index}"), &at).await;
            (at, inserted)
        });
    }

    let done = inserts.join_all().await;

    let won: Vec<_> = done.iter().filter(|(_, inserted)| *inserted == Inserted::Done).map(|(at, _)| at).collect();
    assert!(!won.is_empty());
    for (one, other) in won.iter().flat_map(|one| won.iter().map(move |other| (one, other))) {
        assert!(one == other || !one.overlaps(other), "{one} overlaps {other}");
    }
}

on_both_engines!(
    sibling_prefixes_do_not_overlap_while_parents_and_children_do,
    a_soft_deleted_table_keeps_its_location,
    of_overlapping_locations_added_at_once_one_wins,
);
