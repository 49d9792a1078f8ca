//! Background work of a project: its log of finished tasks, for how long it is kept.

use serde_json::{Value, json};
use weir_tests::{Engine, on_both_engines};

use crate::house::House;

on_both_engines!(
    a_project_lists_its_own_work_and_no_warehouse_s,
    a_task_of_another_project_is_not_there,
    finished_tasks_are_forgotten_after_the_retention_that_was_set,
    finished_tasks_are_kept_for_90_days_where_nothing_was_set,
    a_cancelled_clean_up_comes_round_again,
    a_longer_period_counts_from_when_it_is_set,
    a_clean_up_that_cannot_be_set_up_so_is_refused,
    a_new_project_has_a_clean_up_until_it_is_deleted,
);

const CONFIG: &str = "/project/task-queue/task_log_cleanup/config";

async fn tasks(house: &House) -> Vec<Value> {
    let listed = house.management.post("/project/task/list", json!({})).send().await.expect(200).json();
    listed["tasks"].as_array().expect("a list").clone()
}

/// A task of the warehouse that is over.
async fn purge_a_table(house: &House) {
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    house.work().await;
    assert_eq!(house.tasks("tabular_purge").await[0]["status"], "SUCCESS");
}

async fn a_project_lists_its_own_work_and_no_warehouse_s(engine: Engine) {
    let house = House::open(engine).await;
    purge_a_table(&house).await;

    let tasks = tasks(&house).await;

    assert_eq!(tasks.len(), 1, "{tasks:?}");
    assert_eq!((&tasks[0]["queue-name"], &tasks[0]["status"]), (&json!("task_log_cleanup"), &json!("SCHEDULED")));
    let id = tasks[0]["task-id"].as_str().expect("an id");
    let details = house.management.get(&format!("/project/task/by-id/{id}")).send().await.expect(200).json();
    assert_eq!((&details["task-id"], &details["attempts"]), (&tasks[0]["task-id"], &json!([])));
    house.warehouse.get(&format!("/task/by-id/{id}")).send().await.expect_error(404, "NotFoundException");
    let purge = house.tasks("tabular_purge").await[0]["task-id"].as_str().expect("an id").to_owned();
    house.management.get(&format!("/project/task/by-id/{purge}")).send().await.expect(404);
}

async fn a_task_of_another_project_is_not_there(engine: Engine) {
    let house = House::open(engine).await;
    house.work().await;
    let other = house.management.post("/project", json!({"project-name": "other"})).send().await.expect(201).json();
    let other = other["project-id"].as_str().expect("an id");
    let task = tasks(&house).await[0]["task-id"].clone();

    let path = format!("/project/task/by-id/{}", task.as_str().expect("an id"));
    let seen = house.management.get(&path).header("x-project-id", other).send().await;
    let cancel = json!({"action": {"action-type": "cancel"}, "task-ids": [task]});
    let cancelled = house.management.post("/project/task/control", cancel).header("x-project-id", other).send().await;

    seen.expect_error(404, "NotFoundException");
    cancelled.expect_error(404, "NotFoundException");
    assert_eq!(tasks(&house).await[0]["status"], "SCHEDULED");
}

async fn finished_tasks_are_forgotten_after_the_retention_that_was_set(engine: Engine) {
    let house = House::open(engine).await;
    purge_a_table(&house).await;
    let config = json!({"queue-config": {"retention-period": "PT36H"}});
    house.management.post(CONFIG, config).send().await.expect(204);

    house.pass_seconds(25 * 3_600);
    house.work().await;
    assert_eq!(house.tasks("tabular_purge").await.len(), 1, "36 hours are not over");
    house.pass_seconds(25 * 3_600);
    house.work().await;

    assert_eq!(house.tasks("tabular_purge").await.len(), 0);
    let shown = house.management.get(CONFIG).send().await.expect(200).json();
    assert_eq!(shown["queue-config"], json!({"cleanup-period": "P1D", "retention-period": "P1DT12H"}));
}

async fn finished_tasks_are_kept_for_90_days_where_nothing_was_set(engine: Engine) {
    let house = House::open(engine).await;
    purge_a_table(&house).await;
    let shown = house.management.get(CONFIG).send().await.expect(200).json();
    assert_eq!(shown["queue-config"], json!({"cleanup-period": "P1D", "retention-period": "P90D"}));

    house.pass_seconds(89 * 24 * 3_600);
    house.work().await;
    assert_eq!(house.tasks("tabular_purge").await.len(), 1);
    house.pass_seconds(2 * 24 * 3_600);
    house.work().await;

    assert_eq!(house.tasks("tabular_purge").await.len(), 0);
}

async fn a_cancelled_clean_up_comes_round_again(engine: Engine) {
    let house = House::open(engine).await;
    house.work().await;
    let task = tasks(&house).await[0]["task-id"].clone();

    let cancel = json!({"action": {"action-type": "cancel"}, "task-ids": [task]});
    house.management.post("/project/task/control", cancel).send().await.expect(204);

    let after = tasks(&house).await;
    let statuses: Vec<&Value> = after.iter().map(|task| &task["status"]).collect();
    assert_eq!(statuses, ["SCHEDULED", "CANCELLED"]);
}

async fn a_longer_period_counts_from_when_it_is_set(engine: Engine) {
    let house = House::open(engine).await;
    house.work().await;
    let config = json!({"max-seconds-since-last-heartbeat": 60, "queue-config": {"cleanup-period": "P7D"}});
    house.management.post(CONFIG, config).send().await.expect(204);

    house.pass_seconds(6 * 24 * 3_600);
    house.work().await;
    assert_eq!(tasks(&house).await.len(), 1, "seven days are not over");
    house.pass_seconds(2 * 24 * 3_600);
    house.work().await;

    let after = tasks(&house).await;
    assert_eq!((&after[0]["status"], &after[1]["status"]), (&json!("SCHEDULED"), &json!("SUCCESS")));
}

async fn a_clean_up_that_cannot_be_set_up_so_is_refused(engine: Engine) {
    let house = House::open(engine).await;

    for config in [
        json!({"queue-config": {"retention-period": "90 days"}}),
        json!({"queue-config": {"retention-period": "P1M"}}),
        json!({"queue-config": {"retention": "P1D"}}),
        json!({"max-seconds-since-last-heartbeat": 0, "queue-config": {}}),
    ] {
        house.management.post(CONFIG, config).send().await.expect_error(400, "BadRequestException");
    }

    let shown = house.management.get(CONFIG).send().await.expect(200).json();
    assert_eq!(shown["queue-config"]["retention-period"], "P90D");
}

async fn a_new_project_has_a_clean_up_until_it_is_deleted(engine: Engine) {
    let house = House::open(engine).await;
    let body = json!({"project-name": "other", "project-id": "other"});
    house.management.post("/project", body).send().await.expect(201);
    let listed = house.management.post("/project/task/list", json!({})).header("x-project-id", "other").send().await;
    let task = listed.expect(200).json()["tasks"][0].clone();
    assert_eq!(task["status"], "SCHEDULED");

    house.management.delete("/project/other").send().await.expect(204);

    let id = task["task-id"].as_str().expect("an id").parse().expect("an id");
    let left = house.app.store.task(id).await.expect("a read").expect("a finished task is remembered");
    assert_eq!(left.status, weir::store::rows::TaskStatus::Cancelled);
}
