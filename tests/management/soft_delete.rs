//! What is dropped softly: listed, brought back, or gone in time.

use serde_json::json;
use weir_tests::{Engine, bodies, on_both_engines};

use crate::house::{House, path_of};

on_both_engines!(
    a_soft_deleted_table_is_hidden_listed_brought_back,
    r14_a_dropped_table_whose_name_was_taken_cannot_come_back,
    r14_an_undrop_racing_the_expiry_wins_or_loses_as_a_whole,
    r14_a_table_dropped_again_expires_by_its_second_drop,
    r14_files_of_a_table_that_was_brought_back_are_never_purged,
    r17_a_clock_that_jumps_back_keeps_what_is_not_due,
    an_expired_table_goes_with_its_files_where_that_was_asked,
    an_expired_table_keeps_its_files_otherwise,
    a_namespace_with_soft_deleted_tables_is_not_empty,
    a_recursive_drop_of_a_soft_warehouse_needs_force,
    deleted_tables_are_listed_in_pages,
    the_place_of_a_soft_deleted_table_stays_taken,
    of_a_drop_and_a_rename_at_once_one_happens,
);

async fn soft_house(engine: Engine) -> House {
    let house = House::open(engine).await;
    house.delete_softly().await;
    house.create_namespace("ns").await;
    house
}

async fn a_soft_deleted_table_is_hidden_listed_brought_back(engine: Engine) {
    let house = soft_house(engine).await;
    let before = house.create_table("ns", "t").await;

    house.drop_table("ns", "t", "").send().await.expect(204);

    house.catalog.head("/namespaces/ns/tables/t").send().await.expect(404);
    let deleted = house.deleted().await;
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["name"], "t");
    assert_eq!(deleted[0]["namespace"], json!(["ns"]));
    assert_eq!(deleted[0]["typ"], "table");
    house.undrop(&deleted[0]["id"]).send().await.expect(204);
    let after = house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    assert_eq!(after["metadata"], before["metadata"]);
    assert_eq!(house.deleted().await.len(), 0);
    house.undrop(&deleted[0]["id"]).send().await.expect_error(409, "ConflictException");
}

async fn r14_a_dropped_table_whose_name_was_taken_cannot_come_back(engine: Engine) {
    let house = soft_house(engine).await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    let winner = house.create_table("ns", "t").await;
    let id = house.deleted().await[0]["id"].clone();

    let message = house.undrop(&id).send().await.expect_error(409, "AlreadyExistsException");

    assert!(message.contains("ns.t"), "{message}");
    let live = house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    assert_eq!(live["metadata"]["table-uuid"], winner["metadata"]["table-uuid"]);
}

async fn r14_an_undrop_racing_the_expiry_wins_or_loses_as_a_whole(engine: Engine) {
    let house = soft_house(engine).await;
    for round in 0..10 {
        let name = format!("t{round}");
        let table = house.create_table("ns", &name).await;
        house.drop_table("ns", &name, "?purgeRequested=true").send().await.expect(204);
        let id = house.deleted().await[0]["id"].clone();
        house.pass_seconds(61);

        let (undropped, _) = tokio::join!(house.undrop(&id).send(), house.work());

        house.work().await;
        let lives = house.catalog.head(&format!("/namespaces/ns/tables/{name}")).send().await.status == 204;
        let has_files = path_of(&table["metadata-location"]).exists();
        assert_eq!(undropped.status == 204, lives, "round {round}: {}", undropped.text());
        assert_eq!(lives, has_files, "round {round}");
        assert_eq!(house.deleted().await.len(), 0);
    }
}

async fn r14_a_table_dropped_again_expires_by_its_second_drop(engine: Engine) {
    let house = soft_house(engine).await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    house.pass_seconds(50);
    let id = house.deleted().await[0]["id"].clone();
    house.undrop(&id).send().await.expect(204);
    house.drop_table("ns", "t", "").send().await.expect(204);

    house.pass_seconds(20);
    house.work().await;
    assert_eq!(house.deleted().await.len(), 1, "the first drop would have expired by now");

    house.pass_seconds(41);
    house.work().await;
    assert_eq!(house.deleted().await.len(), 0);
}

async fn r14_files_of_a_table_that_was_brought_back_are_never_purged(engine: Engine) {
    let house = soft_house(engine).await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    house.undrop(&house.deleted().await[0]["id"]).send().await.expect(204);

    house.pass_seconds(3_600);
    house.work().await;

    assert!(path_of(&table["metadata-location"]).exists());
    house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn r17_a_clock_that_jumps_back_keeps_what_is_not_due(engine: Engine) {
    let house = soft_house(engine).await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);

    house.pass_seconds(-3_600);
    house.work().await;
    assert_eq!(house.deleted().await.len(), 1);

    house.pass_seconds(3_600 + 61);
    house.work().await;
    assert_eq!(house.deleted().await.len(), 0);
}

async fn an_expired_table_goes_with_its_files_where_that_was_asked(engine: Engine) {
    let house = soft_house(engine).await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    assert!(path_of(&table["metadata-location"]).exists());

    house.pass_seconds(61);
    house.work().await;

    assert!(!path_of(&table["metadata"]["location"]).exists());
    assert_eq!(house.tasks("soft_deletion").await[0]["status"], "SUCCESS");
    assert_eq!(house.tasks("tabular_purge").await[0]["status"], "SUCCESS");
}

async fn an_expired_table_keeps_its_files_otherwise(engine: Engine) {
    let house = soft_house(engine).await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);

    house.pass_seconds(61);
    house.work().await;

    assert_eq!(house.deleted().await.len(), 0);
    assert!(path_of(&table["metadata-location"]).exists());
    assert_eq!(house.tasks("tabular_purge").await.len(), 0);
}

async fn a_namespace_with_soft_deleted_tables_is_not_empty(engine: Engine) {
    let house = soft_house(engine).await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);

    house.catalog.delete("/namespaces/ns").send().await.expect_error(409, "NamespaceNotEmptyException");

    house.pass_seconds(61);
    house.work().await;
    house.catalog.delete("/namespaces/ns").send().await.expect(204);
}

async fn a_recursive_drop_of_a_soft_warehouse_needs_force(engine: Engine) {
    let house = soft_house(engine).await;
    house.create_table("ns", "t").await;
    house.create_table("ns", "u").await;
    house.drop_table("ns", "u", "").send().await.expect(204);

    house.catalog.delete("/namespaces/ns?recursive=true").send().await.expect_error(409, "ConflictException");

    house.catalog.delete("/namespaces/ns?recursive=true&force=true").send().await.expect(204);
    assert_eq!(house.deleted().await.len(), 0);
}

async fn deleted_tables_are_listed_in_pages(engine: Engine) {
    let house = soft_house(engine).await;
    for name in ["a", "b", "c"] {
        house.create_table("ns", name).await;
        house.drop_table("ns", name, "").send().await.expect(204);
    }

    let first = house.warehouse.get("/deleted-tabulars?pageToken=&pageSize=2").send().await.expect(200).json();
    let token = first["next-page-token"].as_str().expect("there is more").to_owned();
    let path = format!("/deleted-tabulars?pageToken={token}&pageSize=2");
    let second = house.warehouse.get(&path).send().await.expect(200).json();

    assert_eq!(first["tabulars"].as_array().map(Vec::len), Some(2));
    assert_eq!(second["tabulars"][0]["name"], "c");
    assert!(second["next-page-token"].is_null());
    house.warehouse.get("/deleted-tabulars?pageToken=garbage").send().await.expect(400);
}

async fn the_place_of_a_soft_deleted_table_stays_taken(engine: Engine) {
    let house = soft_house(engine).await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    let mut body = bodies::create_table("other");
    body["location"] = table["metadata"]["location"].clone();

    house.catalog.post("/namespaces/ns/tables", body).send().await.expect(409);
}

/// Whoever renamed a table was told that it has the new name: a drop of the old one must not take it.
async fn of_a_drop_and_a_rename_at_once_one_happens(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_namespace("safe").await;
    for round in 0..20 {
        let name = format!("t{round}");
        house.create_table("ns", &name).await;
        let rename =
            json!({"source": bodies::identifier("ns", &name), "destination": bodies::identifier("safe", &name)});

        let (dropped, renamed) =
            tokio::join!(house.drop_table("ns", &name, "").send(), house.catalog.post("/tables/rename", rename).send());

        let both = (dropped.status, renamed.status);
        assert!(matches!(both, (204, 404) | (404, 204)), "round {round}: {both:?}");
    }
}
