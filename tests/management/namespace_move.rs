//! Namespaces that move: their tables come along, nobody is left behind.

use serde_json::{Value, json};
use weir_tests::{Answer, Engine, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_namespace_moves_with_its_tables_and_keeps_its_id,
    a_namespace_moves_to_the_top_again,
    a_move_to_where_it_is_changes_nothing,
    a_namespace_with_namespaces_inside_stays,
    a_protected_namespace_moves_only_by_force,
    a_taken_name_is_refused,
    a_move_to_nowhere_is_refused,
);

async fn move_to(house: &House, id: &str, destination: Value) -> Answer {
    house.warehouse.post(&format!("/namespace/{id}/move"), json!({"destination": destination})).send().await
}

/// The namespaces `a`, with a table, and `b`; gives the id of `a`.
async fn house_with_two(engine: Engine) -> (House, String) {
    let house = House::open(engine).await;
    house.create_namespace("a").await;
    house.create_namespace("b").await;
    house.create_table("a", "t").await;
    let id = house.namespace_id("a").await;
    (house, id)
}

async fn a_namespace_moves_with_its_tables_and_keeps_its_id(engine: Engine) {
    let (house, id) = house_with_two(engine).await;
    let before = house.catalog.get("/namespaces/a/tables/t").send().await.expect(200).json();

    let moved = move_to(&house, &id, json!(["b", "c"])).await.expect(200).json();

    assert_eq!((&moved["namespace"], &moved["namespace-id"]), (&json!(["b", "c"]), &json!(id)));
    assert_eq!(moved["parent-namespace-id"], house.namespace_id("b").await);
    let after = house.catalog.get("/namespaces/b%1Fc/tables/t").send().await.expect(200).json();
    assert_eq!(after["metadata"], before["metadata"]);
    house.catalog.get("/namespaces/a").send().await.expect(404);
    let below = house.catalog.get("/namespaces?parent=b").send().await.expect(200).json();
    assert_eq!(below["namespaces"], json!([["b", "c"]]));
    let told = house.app.store.events_page(None, 100).await.expect("events");
    let told: Value = serde_json::from_str(&told.last().expect("an event").body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["to"]), (&json!("weir.namespace.moved"), &json!(["b", "c"])));
}

async fn a_namespace_moves_to_the_top_again(engine: Engine) {
    let (house, id) = house_with_two(engine).await;
    move_to(&house, &id, json!(["b", "c"])).await.expect(200);

    let moved = move_to(&house, &id, json!(["d"])).await.expect(200).json();

    assert_eq!(moved["parent-namespace-id"], Value::Null);
    house.catalog.head("/namespaces/d/tables/t").send().await.expect(204);
    house.catalog.post("/namespaces", json!({"namespace": ["d", "e"]})).send().await.expect(200);
}

async fn a_move_to_where_it_is_changes_nothing(engine: Engine) {
    let (house, id) = house_with_two(engine).await;

    for _ in 0..2 {
        move_to(&house, &id, json!(["c"])).await.expect(200);
    }

    house.catalog.head("/namespaces/c/tables/t").send().await.expect(204);
}

async fn a_namespace_with_namespaces_inside_stays(engine: Engine) {
    let (house, id) = house_with_two(engine).await;
    house.catalog.post("/namespaces", json!({"namespace": ["a", "x"]})).send().await.expect(200);

    let message = move_to(&house, &id, json!(["c"])).await.expect_error(409, "ConflictException");

    assert!(message.contains("holds namespaces"), "{message}");
    house.catalog.head("/namespaces/a%1Fx").send().await.expect(204);
}

async fn a_protected_namespace_moves_only_by_force(engine: Engine) {
    let (house, id) = house_with_two(engine).await;
    let protect = format!("/namespace/{id}/protection");
    house.warehouse.post(&protect, json!({"protected": true})).send().await.expect(200);

    move_to(&house, &id, json!(["c"])).await.expect_error(409, "ConflictException");
    let forced = json!({"destination": ["c"], "force": true});
    house.warehouse.post(&format!("/namespace/{id}/move"), forced).send().await.expect(200);

    house.catalog.head("/namespaces/c").send().await.expect(204);
}

async fn a_taken_name_is_refused(engine: Engine) {
    let (house, id) = house_with_two(engine).await;

    move_to(&house, &id, json!(["b"])).await.expect_error(409, "AlreadyExistsException");

    house.catalog.head("/namespaces/a/tables/t").send().await.expect(204);
}

async fn a_move_to_nowhere_is_refused(engine: Engine) {
    let (house, id) = house_with_two(engine).await;

    move_to(&house, &id, json!(["a", "a"])).await.expect_error(400, "BadRequestException");
    move_to(&house, &id, json!([])).await.expect_error(400, "BadRequestException");
    move_to(&house, &id, json!(["nowhere", "a"])).await.expect_error(404, "NoSuchNamespaceException");
    let nil = "00000000-0000-0000-0000-000000000000";
    move_to(&house, nil, json!(["c"])).await.expect_error(404, "NoSuchNamespaceException");

    house.catalog.head("/namespaces/a/tables/t").send().await.expect(204);
}
