//! Flags that keep things from being dropped.

use serde_json::json;
use weir_tests::{Engine, bodies, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_protected_table_is_dropped_only_by_force,
    a_table_is_known_by_its_own_uuid_too,
    a_protected_view_is_not_dropped,
    a_protected_namespace_is_dropped_only_by_force,
    a_protected_table_protects_its_namespace_from_a_recursive_drop,
    a_view_is_not_protected_as_a_table,
);

/// The id by which the management API knows a table or view: what a search answers.
async fn id_of(house: &House, name: &str) -> String {
    let found = house.warehouse.post("/search-tabular", json!({"search": name})).send().await.expect(200).json();
    let exact = found["tabulars"].as_array().expect("a list").iter().find(|found| found["tabular-name"] == name);
    exact.expect("it is found")["tabular-id"]["id"].as_str().expect("an id").to_owned()
}

async fn protect(house: &House, noun: &str, id: &str, protected: bool) {
    let path = format!("/{noun}/{id}/protection");
    let set = house.warehouse.post(&path, json!({"protected": protected})).send().await.expect(200).json();
    assert_eq!(set["protected"], protected);
    let got = house.warehouse.get(&path).send().await.expect(200).json();
    assert_eq!(got["protected"], protected);
}

async fn a_protected_table_is_dropped_only_by_force(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    protect(&house, "table", &id_of(&house, "t").await, true).await;

    let message = house.drop_table("ns", "t", "").send().await.expect_error(409, "ConflictException");

    assert!(message.contains("protected") && message.contains("force=true"), "{message}");
    house.drop_table("ns", "t", "?force=true").send().await.expect(204);
}

async fn a_table_is_known_by_its_own_uuid_too(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    let uuid = table["metadata"]["table-uuid"].as_str().expect("a UUID");

    protect(&house, "table", uuid, true).await;

    let id = house.table_id("ns", "t").await;
    let got = house.warehouse.get(&format!("/table/{id}/protection")).send().await.expect(200).json();
    assert_eq!(got["protected"], true);
    let plain = house.catalog.get("/namespaces/ns/tables").send().await.expect(200).json();
    assert!(plain.get("table-uuids").is_none(), "{plain}");
}

async fn a_protected_view_is_not_dropped(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.catalog.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
    let id = id_of(&house, "v").await;
    protect(&house, "view", &id, true).await;

    house.catalog.delete("/namespaces/ns/views/v").send().await.expect_error(409, "ConflictException");

    protect(&house, "view", &id, false).await;
    house.catalog.delete("/namespaces/ns/views/v").send().await.expect(204);
}

async fn a_protected_namespace_is_dropped_only_by_force(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let id = house.namespace_id("ns").await;
    protect(&house, "namespace", &id, true).await;

    house.catalog.delete("/namespaces/ns").send().await.expect_error(409, "ConflictException");

    house.catalog.delete("/namespaces/ns?force=true").send().await.expect(204);
}

async fn a_protected_table_protects_its_namespace_from_a_recursive_drop(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    house.create_table("ns", "u").await;
    protect(&house, "table", &id_of(&house, "t").await, true).await;

    house.catalog.delete("/namespaces/ns?recursive=true").send().await.expect_error(409, "ConflictException");

    house.catalog.head("/namespaces/ns/tables/u").send().await.expect(204);
    house.catalog.delete("/namespaces/ns?recursive=true&force=true").send().await.expect(204);
    house.catalog.head("/namespaces/ns").send().await.expect(404);
}

async fn a_view_is_not_protected_as_a_table(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    let id = id_of(&house, "t").await;

    house.warehouse.get(&format!("/view/{id}/protection")).send().await.expect_error(404, "NoSuchViewException");
    house.warehouse.get("/table/no-uuid/protection").send().await.expect_error(400, "BadRequestException");
}
