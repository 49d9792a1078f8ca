//! Projects: create, list, rename, delete.

use serde_json::{Value, json};
use weir_tests::{Engine, on_both_engines};

use crate::house::House;

const DEFAULT: &str = "00000000-0000-0000-0000-000000000000";

on_both_engines!(
    a_project_is_created_listed_renamed_deleted,
    a_request_without_a_project_means_the_default_one,
    the_older_paths_name_the_project_themselves,
    a_project_id_is_given_once,
    a_project_with_warehouses_is_not_deleted,
    a_missing_project_is_404,
);

async fn create(house: &House, id: &str) {
    let body = json!({"project-id": id, "project-name": format!("the {id}")});
    house.management.post("/project", body).send().await.expect(201);
}

async fn a_project_is_created_listed_renamed_deleted(engine: Engine) {
    let house = House::open(engine).await;

    let created = house.management.post("/project", json!({"project-name": "sales"})).send().await.expect(201).json();
    let id = created["project-id"].as_str().expect("an id").to_owned();
    let renamed = house.management.post("/project/rename", json!({"new-name": "Sales"}));
    renamed.header("x-project-id", &id).send().await.expect(200);
    let listed = house.management.get("/project-list").send().await.expect(200).json();

    let projects = listed["projects"].as_array().expect("a list");
    assert!(projects.contains(&json!({"project-id": id, "project-name": "Sales"})), "{listed}");
    house.management.delete("/project").header("x-project-id", &id).send().await.expect(204);
    house.management.get("/project").header("x-project-id", &id).send().await.expect(404);
}

async fn a_request_without_a_project_means_the_default_one(engine: Engine) {
    let house = House::open(engine).await;

    let project = house.management.get("/project").send().await.expect(200).json();

    assert_eq!(project["project-id"], DEFAULT);
}

async fn the_older_paths_name_the_project_themselves(engine: Engine) {
    let house = House::open(engine).await;
    create(&house, "p1").await;

    house.management.post("/project/p1/rename", json!({"new-name": "other"})).send().await.expect(200);
    let project: Value = house.management.get("/project/p1").send().await.expect(200).json();

    assert_eq!(project["project-name"], "other");
    house.management.delete("/project/p1").send().await.expect(204);
}

async fn a_project_id_is_given_once(engine: Engine) {
    let house = House::open(engine).await;
    create(&house, "p1").await;

    let again = house.management.post("/project", json!({"project-id": "p1", "project-name": "other"})).send().await;

    again.expect_error(409, "AlreadyExistsException");
}

async fn a_project_with_warehouses_is_not_deleted(engine: Engine) {
    let house = House::open(engine).await;

    let refused = house.management.delete("/project").send().await;

    let message = refused.expect_error(409, "ConflictException");
    assert!(message.contains("not empty"), "{message}");
}

async fn a_missing_project_is_404(engine: Engine) {
    let house = House::open(engine).await;

    house.management.get("/project").header("x-project-id", "nobody").send().await.expect(404);
    house.management.get("/warehouse").header("x-project-id", "nobody").send().await.expect(404);
    house.management.get("/project").header("x-project-id", "a/b").send().await.expect(400);
}
