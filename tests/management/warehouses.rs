//! Warehouses: create, change, delete, validate.

use serde_json::{Value, json};
use weir_tests::{Answer, Engine, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_created_warehouse_serves_tables,
    roots_of_warehouses_never_overlap,
    of_two_warehouses_at_one_root_exactly_one_is_created,
    a_storage_that_is_not_served_is_refused_with_those_that_are,
    a_name_is_given_once_in_a_project,
    an_inactive_warehouse_is_not_served,
    a_warehouse_with_namespaces_is_not_deleted,
    a_protected_warehouse_is_deleted_only_by_force,
    a_storage_moves_only_to_a_root_above,
    a_format_version_policy_governs_new_tables,
    a_validation_reports_every_check,
    a_rename_onto_a_taken_name_is_refused,
    b4_a_warehouse_named_with_nul_is_nowhere,
);

fn body(house: &House, name: &str, folder: &str) -> Value {
    let root = format!("file://{}/{folder}", house.installation.home().display());
    json!({"warehouse-name": name, "storage-profile": {"type": "local", "root": root}})
}

async fn create(house: &House, name: &str, folder: &str) -> Answer {
    house.management.post("/warehouse", body(house, name, folder)).send().await
}

async fn created(house: &House, name: &str) -> String {
    let answer = create(house, name, name).await.expect(201).json();
    answer["warehouse-id"].as_str().expect("an id").to_owned()
}

async fn a_created_warehouse_serves_tables(engine: Engine) {
    let house = House::open(engine).await;

    let answer = create(&house, "second", "second").await.expect(201).json();

    let id = answer["warehouse-id"].as_str().expect("an id");
    assert_eq!(answer["id"], id);
    assert_eq!(answer["status"], "active");
    assert_eq!(answer["delete-profile"], json!({"type": "hard"}));
    assert_eq!(answer["allowed-format-versions"], json!([1, 2, 3]));
    assert_eq!(house.management.get(&format!("/warehouse/{id}")).send().await.expect(200).json(), answer);
    let catalog = house.management.base().replace("/management/v1", "/catalog/v1");
    let catalog = weir_tests::Http::new(&format!("{catalog}/{id}"));
    catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
}

async fn roots_of_warehouses_never_overlap(engine: Engine) {
    let house = House::open(engine).await;
    created(&house, "taken").await;

    for folder in ["taken", "taken/", "taken/below"] {
        create(&house, "other", folder).await.expect_error(409, "ConflictException");
    }
    let above = create(&house, "above", "").await.expect_error(409, "ConflictException");
    for taken in [house.installation.home().join("taken"), house.installation.lake()] {
        assert!(!above.contains(&taken.display().to_string()), "it may be hidden: {above}");
    }
    create(&house, "sibling", "taken2").await.expect(201);
}

async fn of_two_warehouses_at_one_root_exactly_one_is_created(engine: Engine) {
    let house = House::open(engine).await;
    let names: Vec<String> = (0..8).map(|number| format!("w{number}")).collect();

    let answers = futures_util::future::join_all(names.iter().map(|name| create(&house, name, "same"))).await;

    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((created, refused), (1, 7));
}

async fn a_storage_that_is_not_served_is_refused_with_those_that_are(engine: Engine) {
    let house = House::open(engine).await;
    let gcs = json!({"warehouse-name": "gcs", "storage-profile": {"type": "gcs", "bucket": "b"}});

    let message = house.management.post("/warehouse", gcs).send().await.expect_error(400, "BadRequestException");

    assert!(message.contains("`s3`") && message.contains("`local`"), "{message}");
    let outside = json!({"warehouse-name": "w", "storage-profile": {"type": "local", "root": "file:///etc/weir"}});
    house.management.post("/warehouse", outside).send().await.expect(400);
}

async fn a_name_is_given_once_in_a_project(engine: Engine) {
    let house = House::open(engine).await;

    create(&house, "default", "other").await.expect_error(409, "AlreadyExistsException");
    create(&house, "a/b", "other").await.expect_error(400, "BadRequestException");
}

async fn an_inactive_warehouse_is_not_served(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    house.warehouse.post("/deactivate", json!({})).send().await.expect(200);

    house.catalog.get("/namespaces").send().await.expect_error(404, "NoSuchWarehouseException");
    let table = "/namespaces/ns/tables/t";
    house.catalog.get(table).send().await.expect_error(404, "NoSuchWarehouseException");
    house.catalog.get(&format!("{table}/credentials")).send().await.expect_error(404, "NoSuchWarehouseException");
    let commit = json!({"requirements": [], "updates": [{"action": "set-properties", "updates": {"a": "1"}}]});
    house.catalog.post(table, commit).send().await.expect_error(404, "NoSuchWarehouseException");
    house.catalog.delete(table).send().await.expect_error(404, "NoSuchWarehouseException");

    let active = house.management.get("/warehouse").send().await.expect(200).json();
    assert_eq!(active["warehouses"], json!([]));
    let both = house.management.get("/warehouse?warehouseStatus=active&warehouseStatus=inactive").send().await;
    assert_eq!(both.expect(200).json()["warehouses"][0]["status"], "inactive");
    house.warehouse.post("/activate", json!({})).send().await.expect(200);
    house.catalog.get("/namespaces").send().await.expect(200);
}

async fn a_warehouse_with_namespaces_is_not_deleted(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;

    house.warehouse.delete("").send().await.expect_error(409, "ConflictException");

    house.catalog.delete("/namespaces/ns").send().await.expect(204);
    house.warehouse.delete("").send().await.expect(204);
    house.warehouse.get("").send().await.expect_error(404, "NoSuchWarehouseException");
}

async fn a_protected_warehouse_is_deleted_only_by_force(engine: Engine) {
    let house = House::open(engine).await;
    let set = house.warehouse.post("/protection", json!({"protected": true})).send().await.expect(200).json();
    assert_eq!(set["protected"], true);

    house.warehouse.delete("").send().await.expect_error(409, "ConflictException");

    house.warehouse.delete("?force=true").send().await.expect(204);
}

async fn a_storage_moves_only_to_a_root_above(engine: Engine) {
    let house = House::open(engine).await;
    let id = create(&house, "deep", "a/b").await.expect(201).json()["warehouse-id"].as_str().expect("an id").to_owned();
    let storage = format!("/warehouse/{id}/storage");
    let to = |folder| json!({"storage-profile": body(&house, "", folder)["storage-profile"]});

    house.management.post(&storage, to("a/c")).send().await.expect_error(400, "BadRequestException");
    house.management.post(&storage, to("")).send().await.expect_error(409, "ConflictException");

    let moved = house.management.post(&storage, to("a")).send().await.expect(200).json();
    assert_eq!(moved["storage-profile"], to("a")["storage-profile"]);
}

async fn a_format_version_policy_governs_new_tables(engine: Engine) {
    let house = House::open(engine).await;
    let policy = |allowed: Value, default: Value| {
        let body = json!({"allowed-format-versions": allowed, "default-format-version": default});
        house.warehouse.post("/format-version-policy", body)
    };
    policy(json!([]), Value::Null).send().await.expect_error(400, "BadRequestException");
    policy(json!([2]), json!(3)).send().await.expect_error(400, "BadRequestException");

    let set = policy(json!([1, 3]), Value::Null).send().await.expect(200).json();

    assert_eq!(set["allowed-format-versions"], json!([1, 3]));
    house.create_namespace("ns").await;
    assert_eq!(house.create_table("ns", "t").await["metadata"]["format-version"], 3);
}

async fn a_validation_reports_every_check(engine: Engine) {
    let house = House::open(engine).await;
    let validate = async |body: Value| {
        let answer = house.management.post("/warehouse-creation-validation", body).send().await.expect(200).json();
        let checks = answer["checks"].as_array().expect("a list").clone();
        let status = |name: &str| {
            let found = checks.iter().find(|check| check["name"] == name);
            found.map(|check| check["status"].as_str().expect("a status").to_owned()).unwrap_or_default()
        };
        let names = ["profile-well-formed", "warehouse-name-valid", "location-exclusive", "lakekeeper-read-write"];
        (answer["valid"].clone(), names.map(status))
    };

    let good = validate(body(&house, "new", "new")).await;
    let taken = validate(body(&house, "default", "lake")).await;
    let unknown = validate(json!({"warehouse-name": "x", "storage-profile": {"type": "gcs"}})).await;

    assert_eq!(good, (json!(true), ["passed", "passed", "passed", "passed"].map(str::to_owned)));
    assert_eq!(taken, (json!(false), ["passed", "failed", "failed", "passed"].map(str::to_owned)));
    assert_eq!(unknown, (json!(false), ["failed", "passed", "skipped", "skipped"].map(str::to_owned)));
    let stored = house.warehouse.post("/storage/validate-access", json!({})).send().await.expect(200).json();
    assert_eq!(stored["valid"], true);
    let left = std::fs::read_dir(house.installation.lake()).expect("the lake is there").count();
    assert_eq!(left, 0, "a probe leaves nothing behind");
}

async fn a_rename_onto_a_taken_name_is_refused(engine: Engine) {
    let house = House::open(engine).await;
    created(&house, "second").await;

    let refused = house.warehouse.post("/rename", json!({"new-name": "second"})).send().await;
    refused.expect_error(409, "AlreadyExistsException");

    let renamed = house.warehouse.post("/rename", json!({"new-name": "third"})).send().await.expect(200).json();
    assert_eq!(renamed["name"], "third");
}

async fn b4_a_warehouse_named_with_nul_is_nowhere(engine: Engine) {
    let house = House::open(engine).await;
    let root = weir_tests::Http::new(&house.management.base().replace("/management/v1", ""));

    let answer = root.get("/catalog/v1/config?warehouse=%00").send().await;

    answer.expect_error(404, "NoSuchWarehouseException");
    create(&house, "a\u{0}b", "other").await.expect_error(400, "BadRequestException");
}
