//! Namespaces that move while others put something below them.

use weir::catalog::ids::NamespaceId;
use weir::error::Error;
use weir::store::rows::{MoveNamespace, MovedNamespace, NamespaceRow};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{Ledger, begin, ledger, namespace, namespace_row};

on_both_engines!(
    a_child_of_where_a_namespace_was_is_refused,
    a_move_waits_for_a_child_that_comes_into_being,
    of_two_namespaces_that_move_into_each_other_one_stays,
);

async fn row(ledger: &Ledger, path: &str) -> NamespaceRow {
    ledger.store.namespace(ledger.warehouse, &namespace(path)).await.unwrap().unwrap()
}

async fn move_to(ledger: &Ledger, from: &NamespaceRow, above: Option<&NamespaceRow>, path: &str) -> MovedNamespace {
    let mut writer = begin(&ledger.store).await;
    let to = MoveNamespace { from, above, path: &namespace(path), inside: None, now_ms: 3 };
    let moved = writer.move_namespace(&to).await.unwrap();
    if moved == MovedNamespace::Done {
        writer.commit().await.unwrap();
    }
    moved
}

fn child(ledger: &Ledger, path: &str) -> NamespaceRow {
    namespace_row(ledger.warehouse, &[ledger.namespace, NamespaceId::new()], path)
}

async fn a_child_of_where_a_namespace_was_is_refused(engine: Engine) {
    let ledger = ledger(engine).await;
    let child = child(&ledger, "sales.eu");
    assert_eq!(move_to(&ledger, &row(&ledger, "sales").await, None, "trade").await, MovedNamespace::Done);

    let mut writer = begin(&ledger.store).await;
    let refused = writer.insert_namespace(&child).await;

    assert!(matches!(refused, Err(Error::NoSuchNamespace(_))), "{refused:?}");
    let moved = row(&ledger, "trade").await;
    assert_eq!((moved.id, moved.lineage, moved.version), (ledger.namespace, vec![ledger.namespace], 2));
}

async fn a_move_waits_for_a_child_that_comes_into_being(engine: Engine) {
    let ledger = ledger(engine).await;
    let seen = row(&ledger, "sales").await;
    let mut writer = begin(&ledger.store).await;
    assert!(writer.insert_namespace(&child(&ledger, "sales.eu")).await.unwrap());

    let (moved, created) = tokio::join!(move_to(&ledger, &seen, None, "trade"), writer.commit());

    created.unwrap();
    assert_eq!(moved, MovedNamespace::HasChildren);
    assert_eq!(row(&ledger, "sales.eu").await.lineage[0], ledger.namespace);
}

async fn of_two_namespaces_that_move_into_each_other_one_stays(engine: Engine) {
    let ledger = ledger(engine).await;
    let mut writer = begin(&ledger.store).await;
    let other = namespace_row(ledger.warehouse, &[NamespaceId::new()], "trade");
    assert!(writer.insert_namespace(&other).await.unwrap());
    writer.commit().await.unwrap();
    let (sales, trade) = (row(&ledger, "sales").await, row(&ledger, "trade").await);

    let moves = tokio::join!(
        move_to(&ledger, &sales, Some(&trade), "trade.sales"),
        move_to(&ledger, &trade, Some(&sales), "sales.trade")
    );

    let done = [moves.0, moves.1].iter().filter(|moved| **moved == MovedNamespace::Done).count();
    assert_eq!(done, 1, "{moves:?}");
}
