//! What a search in a warehouse finds.

use serde_json::json;
use weir_tests::{Engine, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_name_is_found_as_it_is_written_whatever_its_letters,
    an_id_finds_the_table_and_what_lies_in_the_namespace
);

/// The names that a search finds, in the order of the answer.
async fn found(house: &House, search: &str) -> Vec<String> {
    let answer = house.warehouse.post("/search-tabular", json!({ "search": search })).send().await.expect(200).json();
    let tabulars = answer["tabulars"].as_array().expect("a list");
    tabulars.iter().map(|one| one["tabular-name"].as_str().expect("a name").to_owned()).collect()
}

async fn a_name_is_found_as_it_is_written_whatever_its_letters(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "Ärzte").await;
    house.management.post("/role", json!({"name": "Élan"})).send().await.expect(201);

    let roles = house.management.post("/search/role", json!({"search": "Élan"})).send().await.expect(200).json();

    for search in ["Ärzte", "Är", "ÄRZTE", "zte"] {
        assert_eq!(found(&house, search).await, ["Ärzte"], "{search}");
    }
    assert_eq!(roles["roles"][0]["name"], "Élan");
}

async fn an_id_finds_the_table_and_what_lies_in_the_namespace(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_namespace("other").await;
    let table = house.create_table("ns", "t").await;
    house.create_table("ns", "longer").await;
    house.create_table("other", "u").await;
    let (id, namespace) = (house.table_id("ns", "t").await, house.namespace_id("ns").await);
    let uuid = table["metadata"]["table-uuid"].as_str().expect("a UUID");

    assert_eq!(found(&house, &id).await, ["t"]);
    assert_eq!(found(&house, uuid).await, ["t"]);
    assert_eq!(found(&house, &namespace).await, ["t", "longer"]);
    assert!(found(&house, "018f4e1b-0000-7000-8000-000000000000").await.is_empty());
}
