//! Files of dropped tables: deleted where asked, never another table's.

use serde_json::{Value, json};
use weir::catalog::ids::TaskId;
use weir::permit::Permit;
use weir::store::rows::NewTask;
use weir_tests::{Engine, bodies, on_both_engines};

use crate::house::{House, path_of};

on_both_engines!(
    r15_a_purge_deletes_the_table_it_was_asked_for_and_no_sibling,
    r15_a_place_is_free_again_once_it_was_purged,
    r15_old_metadata_files_go_after_the_commit_where_asked,
    r15_a_failing_purge_is_tried_again_later,
    r15_a_metadata_file_that_cannot_go_now_goes_later,
    r15_a_purge_never_touches_a_live_table_or_a_root,
    a_drop_without_purge_keeps_the_files,
    a_recursive_drop_purges_what_it_takes,
);

async fn create_at(house: &House, name: &str, location: &str) -> Value {
    let mut body = bodies::create_table(name);
    body["location"] = json!(location);
    house.catalog.post("/namespaces/ns/tables", body).send().await.expect(200).json()
}

async fn r15_a_purge_deletes_the_table_it_was_asked_for_and_no_sibling(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let root = format!("file://{}", house.installation.lake().canonicalize().expect("a folder").display());
    let gone = create_at(&house, "t1", &format!("{root}/t1")).await;
    let sibling = create_at(&house, "t10", &format!("{root}/t10")).await;

    house.drop_table("ns", "t1", "?purgeRequested=true").send().await.expect(204);
    house.work().await;

    assert!(!path_of(&gone["metadata"]["location"]).exists());
    assert!(path_of(&sibling["metadata-location"]).exists());
    assert!(house.installation.lake().exists());
}

async fn r15_a_place_is_free_again_once_it_was_purged(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    let mut again = bodies::create_table("t");
    again["location"] = table["metadata"]["location"].clone();

    let refused = house.catalog.post("/namespaces/ns/tables", again.clone()).send().await.expect(409);

    assert!(refused.text().contains("location"), "{}", refused.text());
    house.work().await;
    house.catalog.post("/namespaces/ns/tables", again).send().await.expect(200);
    house.work().await;
    house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn r15_old_metadata_files_go_after_the_commit_where_asked(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let mut body = bodies::create_table("t");
    body["properties"] = json!({
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "1",
    });
    let created = house.catalog.post("/namespaces/ns/tables", body).send().await.expect(200).json();
    let mut files = vec![created["metadata-location"].clone()];
    for value in ["1", "2", "3"] {
        let commit = bodies::commit(json!([]), bodies::set_property("k", value));
        let answer = house.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200).json();
        files.push(answer["metadata-location"].clone());
    }

    house.work().await;

    let there: Vec<bool> = files.iter().map(|file| path_of(file).exists()).collect();
    assert_eq!(there, [false, false, true, true]);
}

async fn r15_a_failing_purge_is_tried_again_later(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    let place = path_of(&table["metadata"]["location"]);
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    let lake = house.installation.lake();
    let away = house.installation.home().join("away");
    // A mount that is not there for a while.
    std::fs::rename(&lake, &away).expect("the lake can be moved");
    std::fs::write(&lake, b"no folder").expect("a file can be there");

    house.work().await;
    std::fs::remove_file(&lake).expect("the file can go");
    std::fs::rename(&away, &lake).expect("the lake can come back");
    assert!(place.exists());
    house.pass_seconds(3_600);
    house.work().await;

    assert!(!place.exists());
    let task = house.tasks("tabular_purge").await[0].clone();
    assert_eq!(task["status"], "SUCCESS");
    let path = format!("/task/by-id/{}", task["task-id"].as_str().expect("an id"));
    let details = house.warehouse.get(&path).send().await.expect(200).json();
    let attempts: Vec<&Value> = details["attempts"].as_array().expect("a list").iter().collect();
    assert_eq!(attempts.len(), 2);
    assert_eq!((&attempts[0]["status"], &attempts[1]["status"]), (&json!("SUCCESS"), &json!("FAILED")));
}

async fn a_drop_without_purge_keeps_the_files(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;

    house.drop_table("ns", "t", "").send().await.expect(204);
    house.pass_seconds(3_600);
    house.work().await;

    assert!(path_of(&table["metadata-location"]).exists());
}

async fn a_recursive_drop_purges_what_it_takes(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let deep = json!({"namespace": ["ns", "deep"]});
    house.catalog.post("/namespaces", deep).send().await.expect(200);
    let tables = [house.create_table("ns", "t").await, house.create_table("ns%1Fdeep", "t").await];

    house.catalog.delete("/namespaces/ns").send().await.expect_error(409, "NamespaceNotEmptyException");
    house.catalog.delete("/namespaces/ns?recursive=true&purge=true").send().await.expect(204);
    house.work().await;

    house.catalog.head("/namespaces/ns").send().await.expect(404);
    for table in tables {
        assert!(!path_of(&table["metadata"]["location"]).exists());
    }
}

/// Such orders cannot come from the catalog itself; this is the second lock on the door.
async fn r15_a_purge_never_touches_a_live_table_or_a_root(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    let location = table["metadata"]["location"].as_str().expect("a location").to_owned();
    let root = location.rsplit_once('/').expect("a folder").0.to_owned();
    let above = root.rsplit_once('/').expect("a folder").0.to_owned();
    let places = [location.clone(), format!("{location}/metadata"), root, above, "file:///etc".to_owned()];

    for place in &places {
        order_purge(&house, place).await;
    }
    house.work().await;

    assert!(path_of(&table["metadata-location"]).exists());
    let tasks = house.tasks("tabular_purge").await;
    assert_eq!(tasks.len(), places.len());
    assert!(tasks.iter().all(|task| task["status"] == "FAILED"), "{tasks:?}");
}

async fn order_purge(house: &House, place: &str) {
    let task = NewTask {
        id: TaskId::new(),
        queue: "tabular_purge".to_owned(),
        project_id: None,
        warehouse_id: Some(house.prefix.parse().expect("an id")),
        entity_id: uuid::Uuid::new_v4(),
        entity_kind: "table".to_owned(),
        entity_name: "[]".to_owned(),
        scheduled_for_ms: 0,
        payload: json!({"location": place}).to_string(),
        location: None,
        parent_id: None,
        now_ms: house.app.clock.now_ms(),
    };
    let mut writer = house.app.store.begin(&Permit::operator("a bug")).await.expect("a transaction");
    assert!(writer.enqueue_task(&task).await.expect("an order"));
    writer.commit().await.expect("a commit");
}

async fn r15_a_metadata_file_that_cannot_go_now_goes_later(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let mut body = bodies::create_table("t");
    body["properties"] = json!({
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "1",
    });
    let created = house.catalog.post("/namespaces/ns/tables", body).send().await.expect(200).json();
    let first = path_of(&created["metadata-location"]);
    let commit = |value| {
        let commit = bodies::commit(json!([]), bodies::set_property("k", value));
        house.catalog.post("/namespaces/ns/tables/t", commit)
    };
    commit("1").send().await.expect(200);
    // A folder cannot be deleted as a file is.
    std::fs::remove_file(&first).expect("the file can go");
    std::fs::create_dir(&first).expect("a folder can be there");

    commit("2").send().await.expect(200);
    house.work().await;
    assert_eq!(house.tasks("metadata_cleanup").await[0]["status"], "SCHEDULED");
    std::fs::remove_dir(&first).expect("the folder can go");
    std::fs::write(&first, b"{}").expect("a file can be there");
    house.pass_seconds(3_600);
    house.work().await;

    assert!(!first.exists());
    assert_eq!(house.tasks("metadata_cleanup").await[0]["status"], "SUCCESS");
    house.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}
