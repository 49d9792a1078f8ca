//! What one writer changes is what the next reader finds.

use weir::catalog::ids::{NamespaceId, RoleId, TabularId, WarehouseId};
use weir::store::rows::{
    Dropped, Event, Idempotency, Inserted, NamespaceRow, Renamed, Role, Seen, Swap, Swapped, TabularKind, Warehouse,
};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{
    Ledger, begin, document, event, fresh_location, ident, ledger, location, metadata_location, namespace,
    namespace_row, project, warehouse_row,
};

async fn add_namespace(ledger: &Ledger, above: &[NamespaceId], path: &str) -> NamespaceRow {
    let mut lineage = above.to_vec();
    lineage.push(NamespaceId::new());
    let row = namespace_row(ledger.warehouse, &lineage, path);
    let mut writer = begin(&ledger.store).await;
    assert!(writer.insert_namespace(&row).await.unwrap());
    writer.commit().await.unwrap();
    row
}

async fn a_namespace_is_read_back_as_it_was_written(engine: Engine) {
    let ledger = ledger(engine).await;
    let child = add_namespace(&ledger, &[ledger.namespace], "sales.eu west 🦆").await;

    let by_path = ledger.store.namespace(ledger.warehouse, &child.path).await.unwrap();
    let by_id = ledger.store.namespace_by_id(ledger.warehouse, child.id).await.unwrap();

    assert_eq!(by_path.as_ref(), Some(&child));
    assert_eq!(by_id, Some(child));
}

async fn namespaces_are_paged_by_bytes_of_their_names(engine: Engine) {
    let ledger = ledger(engine).await;
    for name in ["b", "a", "Z", "é", "a-b", "a.b".replace('.', "_").as_str()] {
        add_namespace(&ledger, &[ledger.namespace], &format!("sales.{name}")).await;
    }

    let first = ledger.store.namespaces_page(ledger.warehouse, Some(ledger.namespace), None, 4).await.unwrap();
    let after = first.last().map(|row| row.path.name().to_owned());
    let second =
        ledger.store.namespaces_page(ledger.warehouse, Some(ledger.namespace), after.as_deref(), 4).await.unwrap();
    let top = ledger.store.namespaces_page(ledger.warehouse, None, None, 4).await.unwrap();

    let names: Vec<&str> = first.iter().chain(&second).map(|row| row.path.name()).collect();
    assert_eq!(names, ["Z", "a", "a-b", "a_b", "b", "é"]);
    assert_eq!(top.len(), 1);
}

async fn properties_change_only_from_the_version_that_was_read(engine: Engine) {
    let ledger = ledger(engine).await;
    let seen = ledger.store.namespace_by_id(ledger.warehouse, ledger.namespace).await.unwrap().unwrap();
    let mut properties = seen.properties.clone();
    properties.insert("added".to_owned(), "1".to_owned());
    let mut writer = begin(&ledger.store).await;
    let first = writer.set_namespace_properties(seen.id, seen.version, &properties, 5).await.unwrap();
    let stale = writer.set_namespace_properties(seen.id, seen.version, &seen.properties, 6).await.unwrap();
    writer.commit().await.unwrap();

    let found = ledger.store.namespace_by_id(ledger.warehouse, ledger.namespace).await.unwrap().unwrap();

    assert!(first && !stale);
    assert_eq!((found.version, found.updated_at_ms), (2, Some(5)));
    assert_eq!(found.properties.keys().collect::<Vec<_>>(), ["zone", "owner", "added"]);
}

async fn a_namespace_that_holds_anything_stays(engine: Engine) {
    let ledger = ledger(engine).await;
    let child = add_namespace(&ledger, &[ledger.namespace], "sales.eu").await;
    let table = ledger.table("t").await;
    let delete = async |id: NamespaceId| {
        let row = ledger.store.namespace_by_id(ledger.warehouse, id).await.unwrap().unwrap();
        let mut writer = begin(&ledger.store).await;
        let deleted = writer.delete_namespace(id, &row.path, false).await.unwrap();
        if deleted {
            writer.commit().await.unwrap();
        }
        deleted
    };
    let with_child = delete(ledger.namespace).await;
    let of_child = delete(child.id).await;
    let mut writer = begin(&ledger.store).await;
    assert_eq!(writer.soft_delete(ledger.seen(table, "t"), (1, 2)).await.unwrap(), Dropped::Done);
    writer.commit().await.unwrap();
    let with_deleted_table = delete(ledger.namespace).await;
    let mut writer = begin(&ledger.store).await;
    assert_eq!(writer.drop_tabular(ledger.seen(table, "u")).await.unwrap(), Dropped::Gone, "it has another name");
    assert_eq!(writer.drop_tabular(ledger.seen(table, "t")).await.unwrap(), Dropped::Done);
    writer.commit().await.unwrap();

    let empty = delete(ledger.namespace).await;

    assert_eq!((with_child, of_child, with_deleted_table, empty), (false, true, false, true));
}

/// R8: whoever set the protection was told that nothing goes.
async fn what_was_protected_after_it_was_seen_is_not_dropped(engine: Engine) {
    let ledger = ledger(engine).await;
    let table = ledger.table("t").await;
    let namespace = ledger.store.namespace_by_id(ledger.warehouse, ledger.namespace).await.unwrap().unwrap();
    let child = add_namespace(&ledger, &[ledger.namespace], "sales.eu").await;
    let mut writer = begin(&ledger.store).await;
    assert!(writer.protect_tabular(table, true, 5).await.unwrap());
    assert!(writer.protect_namespace(child.id, true, 5).await.unwrap());
    writer.commit().await.unwrap();
    let seen = ledger.seen(table, "t");

    let mut writer = begin(&ledger.store).await;
    assert_eq!(writer.drop_tabular(seen).await.unwrap(), Dropped::Protected);
    assert_eq!(writer.soft_delete(seen, (6, 7)).await.unwrap(), Dropped::Protected);
    assert!(!writer.unregister_tabular(table, 1).await.unwrap());
    assert!(!writer.delete_namespace(child.id, &child.path, false).await.unwrap());
    assert_eq!(writer.drop_tabular(Seen { force: true, ..seen }).await.unwrap(), Dropped::Done);
    assert!(writer.delete_namespace(child.id, &child.path, true).await.unwrap());
    assert!(writer.delete_namespace(namespace.id, &namespace.path, false).await.unwrap());
}

/// R8: the same of a whole warehouse.
async fn a_warehouse_that_was_protected_after_it_was_seen_is_not_deleted(engine: Engine) {
    let ledger = ledger(engine).await;
    let id = WarehouseId::new();
    let mut writer = begin(&ledger.store).await;
    let row = Warehouse { protected: true, ..warehouse_row(id, "pond") };
    assert!(writer.insert_warehouse(&row).await.unwrap());
    writer.commit().await.unwrap();

    let mut writer = begin(&ledger.store).await;
    assert!(!writer.delete_warehouse(id, false).await.unwrap());
    assert!(writer.delete_warehouse(id, true).await.unwrap());
}

async fn a_role_keeps_the_source_that_it_was_given_while_somebody_named_it(engine: Engine) {
    let ledger = ledger(engine).await;
    let seen = Role {
        id: RoleId::new(),
        project_id: project().id,
        name: "readers".to_owned(),
        description: None,
        provider_id: "oidc".to_owned(),
        source_id: "everybody".to_owned(),
        created_at_ms: 1,
        updated_at_ms: None,
    };
    let mut writer = begin(&ledger.store).await;
    assert!(writer.insert_role(&seen).await.unwrap());
    assert!(writer.set_role_source(&Role { source_id: "few".to_owned(), ..seen.clone() }).await.unwrap());
    assert!(writer.describe_role(&Role { name: "analysts".to_owned(), ..seen.clone() }).await.unwrap());
    let within = writer.role(seen.id).await.unwrap();
    writer.commit().await.unwrap();

    let found = ledger.store.role(seen.id).await.unwrap();

    assert_eq!(found, Some(Role { name: "analysts".to_owned(), source_id: "few".to_owned(), ..seen }));
    assert_eq!(within, found);
}

async fn a_table_is_read_with_the_versions_above_it(engine: Engine) {
    let ledger = ledger(engine).await;
    let at = location("file:///lake/orders");
    let (id, inserted) = ledger.insert(TabularKind::View, "orders", &at).await;
    assert_eq!(inserted, Inserted::Done);

    let found = ledger.read("orders").await;
    let stored = ledger.store.document(id, 1, &found.metadata_location).await.unwrap();

    assert_eq!((found.id, found.kind, found.version, found.warehouse_version), (id, TabularKind::View, 1, 1));
    assert_eq!((found.location.as_str(), found.namespace.to_string().as_str()), ("file:///lake/orders", "sales"));
    assert_eq!(found.lineage, [ledger.namespace]);
    assert_eq!(stored, Some(document("one")));
    assert_eq!(ledger.store.tabular_by_id(ledger.warehouse, id, false).await.unwrap(), Some(found));
}

async fn a_commit_may_move_the_table_but_not_onto_another(engine: Engine) {
    let ledger = ledger(engine).await;
    ledger.insert(TabularKind::Table, "other", &location("file:///lake/other")).await;
    ledger.insert(TabularKind::Table, "t", &location("file:///lake/t")).await;
    let seen = ledger.read("t").await;
    let move_to = async |to: &str| {
        let to = location(to);
        let swap = Swap {
            id: seen.id,
            expected_version: seen.version,
            expected_metadata_location: &seen.metadata_location,
            metadata_location: &metadata_location(2),
            format_version: 3,
            uuid: seen.uuid,
            moved_to: Some(&to),
            now_ms: 3,
        };
        let mut writer = begin(&ledger.store).await;
        let swapped = writer.swap_metadata(&swap, &document("two"), &event("committed")).await.unwrap();
        if swapped == Swapped::Done {
            writer.commit().await.unwrap();
        }
        swapped
    };

    let onto = move_to("file:///lake/other/x").await;
    let inside_itself = move_to("file:///lake/t/data").await;

    assert_eq!(onto, Swapped::LocationTaken("file:///lake/other".to_owned()));
    assert_eq!(inside_itself, Swapped::Done);
    let moved = ledger.read("t").await;
    assert_eq!((moved.location.as_str(), moved.format_version), ("file:///lake/t/data", 3));
}

/// R14: drop, recreate, undrop has one defined end.
async fn an_undrop_into_a_taken_name_is_refused(engine: Engine) {
    let ledger = ledger(engine).await;
    let old = ledger.table("t").await;
    let undrop = async || {
        let mut writer = begin(&ledger.store).await;
        let undropped = writer.undrop(old, ledger.namespace, "t").await.unwrap();
        if undropped == Renamed::Done {
            writer.commit().await.unwrap();
        }
        undropped
    };
    let mut writer = begin(&ledger.store).await;
    assert_eq!(writer.soft_delete(ledger.seen(old, "t"), (10, 20)).await.unwrap(), Dropped::Done);
    writer.commit().await.unwrap();
    let (new, _) = ledger.insert(TabularKind::View, "t", &fresh_location()).await;
    let into_taken = undrop().await;
    let mut writer = begin(&ledger.store).await;
    assert!(!writer.drop_soft_deleted(new, 10).await.unwrap(), "a live table never expires");
    assert_eq!(writer.drop_tabular(ledger.seen(new, "t")).await.unwrap(), Dropped::Done);
    assert!(!writer.drop_soft_deleted(old, 9).await.unwrap(), "it was dropped another time");
    writer.commit().await.unwrap();

    let into_free = undrop().await;

    assert_eq!((into_taken, into_free), (Renamed::NameTaken(TabularKind::View), Renamed::Done));
    assert_eq!(ledger.read("t").await.id, old);
}

async fn soft_deleted_tables_are_paged_while_live_listings_skip_them(engine: Engine) {
    let ledger = ledger(engine).await;
    let mut ids: Vec<TabularId> = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(ledger.table(name).await);
    }
    let mut writer = begin(&ledger.store).await;
    for (id, name) in ids.iter().zip(["a", "b", "c", "d"]).skip(1) {
        assert_eq!(writer.soft_delete(ledger.seen(*id, name), (10, 20)).await.unwrap(), Dropped::Done);
    }
    writer.commit().await.unwrap();

    let first = ledger.store.deleted_page(ledger.warehouse, None, None, 2).await.unwrap();
    let second =
        ledger.store.deleted_page(ledger.warehouse, Some(ledger.namespace), Some(first[1].id), 9).await.unwrap();
    let live = ledger.store.tabulars_page(ledger.namespace, TabularKind::Table, None, None).await.unwrap();

    let deleted: Vec<TabularId> = first.iter().chain(&second).map(|tabular| tabular.id).collect();
    assert_eq!(deleted, ids[1..]);
    assert_eq!(live.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(ledger.store.tabular(ledger.warehouse, &ident("b")).await.unwrap().is_none());
}

async fn a_subtree_is_everything_below_and_no_sibling(engine: Engine) {
    let ledger = ledger(engine).await;
    let child = add_namespace(&ledger, &[ledger.namespace], "sales.eu").await;
    let grandchild = add_namespace(&ledger, &child.lineage, "sales.eu.tax").await;
    let sibling = add_namespace(&ledger, &[], "sales2").await;
    let table = ledger.table("t").await;

    let subtree = ledger.store.subtree(ledger.warehouse, &namespace("sales")).await.unwrap();

    let ids: Vec<NamespaceId> = subtree.namespaces.iter().map(|row| row.id).collect();
    assert_eq!(ids, [grandchild.id, child.id, ledger.namespace]);
    assert!(!ids.contains(&sibling.id));
    assert_eq!(subtree.tabulars.iter().map(|tabular| tabular.id).collect::<Vec<_>>(), [table]);
}

/// R13: a key belongs to a caller in a warehouse until it expires.
async fn an_idempotency_key_is_kept_until_it_expires(engine: Engine) {
    let ledger = ledger(engine).await;
    let row = |caller: &str, digest: &str, now_ms: i64| Idempotency {
        warehouse_id: ledger.warehouse,
        caller: caller.to_owned(),
        key: "k".to_owned(),
        request_digest: digest.to_owned(),
        status: 200,
        answer: b"{}".to_vec(),
        created_at_ms: now_ms,
        expires_at_ms: now_ms + 100,
    };
    let mut writer = begin(&ledger.store).await;
    assert!(writer.insert_idempotency(&row("ann", "one", 0)).await.unwrap());
    assert!(!writer.insert_idempotency(&row("ann", "two", 99)).await.unwrap());
    assert!(writer.insert_idempotency(&row("bob", "two", 99)).await.unwrap());
    assert!(writer.insert_idempotency(&row("ann", "three", 100)).await.unwrap());
    writer.commit().await.unwrap();

    let found = ledger.store.idempotency(ledger.warehouse, "ann", "k").await.unwrap();
    let mut writer = begin(&ledger.store).await;
    let forgotten = writer.delete_expired_idempotency(199, 10).await.unwrap();
    writer.commit().await.unwrap();

    assert_eq!(found, Some(row("ann", "three", 100)));
    assert_eq!(forgotten, 1);
}

async fn events_wait_in_the_order_in_which_they_happened(engine: Engine) {
    let ledger = ledger(engine).await;
    let of = |index: u128| Event {
        id: uuid::Uuid::from_u128(index),
        kind: "weir.table.created".to_owned(),
        warehouse_id: (index == 2).then_some(ledger.warehouse),
        subject: "table/1".to_owned(),
        body: "{}".to_owned(),
        at_ms: index as i64,
    };
    let mut writer = begin(&ledger.store).await;
    for index in [3, 1, 2] {
        writer.append_event(&of(index)).await.unwrap();
    }
    writer.commit().await.unwrap();

    let first = ledger.store.events_page(None, 2).await.unwrap();
    let rest = ledger.store.events_page(Some(first[1].id), 9).await.unwrap();

    assert_eq!((first, rest), (vec![of(1), of(2)], vec![of(3)]));
}

on_both_engines!(
    a_namespace_is_read_back_as_it_was_written,
    namespaces_are_paged_by_bytes_of_their_names,
    properties_change_only_from_the_version_that_was_read,
    a_namespace_that_holds_anything_stays,
    what_was_protected_after_it_was_seen_is_not_dropped,
    a_warehouse_that_was_protected_after_it_was_seen_is_not_deleted,
    a_role_keeps_the_source_that_it_was_given_while_somebody_named_it,
    a_table_is_read_with_the_versions_above_it,
    a_commit_may_move_the_table_but_not_onto_another,
    an_undrop_into_a_taken_name_is_refused,
    soft_deleted_tables_are_paged_while_live_listings_skip_them,
    a_subtree_is_everything_below_and_no_sibling,
    an_idempotency_key_is_kept_until_it_expires,
    events_wait_in_the_order_in_which_they_happened,
);
