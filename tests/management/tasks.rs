//! Background work: seen, hurried, cancelled, done by one of many.

use serde_json::json;
use weir::store::rows::{TaskReport, TaskStatus};
use weir_tests::{Engine, on_both_engines};

use crate::house::{House, path_of};

on_both_engines!(
    a_waiting_expiry_is_listed_with_what_it_works_on,
    an_expiry_can_be_hurried,
    b4_a_time_that_no_answer_could_show_is_refused,
    a_cancelled_expiry_keeps_the_table_until_it_is_brought_back,
    a_cancelled_task_that_runs_is_told_to_end,
    a_stopped_task_is_taken_from_its_worker_then_done_again,
    a_task_of_another_warehouse_is_not_there,
    queues_are_configured_for_a_warehouse,
    housekeeping_comes_round_again,
    events_that_nobody_fetches_are_forgotten_in_time,
    b4_a_nul_in_a_filter_is_refused,
    of_many_workers_each_task_is_done_by_one,
    a_task_of_a_dead_worker_is_taken_over,
    a_warehouse_with_unfinished_tasks_is_not_deleted,
);

async fn house_with_a_dropped_table(engine: Engine) -> (House, serde_json::Value) {
    let house = House::open(engine).await;
    house.delete_softly().await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "").send().await.expect(204);
    (house, table)
}

async fn control(house: &House, action: serde_json::Value, task: &serde_json::Value) {
    let body = json!({"action": action, "task-ids": [task["task-id"]]});
    house.warehouse.post("/task/control", body).send().await.expect(204);
}

async fn a_waiting_expiry_is_listed_with_what_it_works_on(engine: Engine) {
    let (house, _) = house_with_a_dropped_table(engine).await;

    let tasks = house.tasks("soft_deletion").await;

    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["status"], "SCHEDULED");
    assert_eq!(tasks[0]["entity"]["type"], "table");
    assert_eq!(tasks[0]["entity"]["table-id"], house.deleted().await[0]["id"]);
    assert_eq!(tasks[0]["entity-name"], json!(["ns", "t"]));
    assert_eq!(tasks[0]["warehouse-id"], house.prefix);
    let path = format!("/task/by-id/{}", tasks[0]["task-id"].as_str().expect("an id"));
    let details = house.warehouse.get(&path).send().await.expect(200).json();
    assert_eq!(details["task-data"]["purge"], false);
    assert_eq!(details["attempts"], json!([]));
    let filter = json!({"status": ["SUCCESS", "FAILED"]});
    let ended = house.warehouse.post("/task/list", filter).send().await.expect(200).json();
    assert_eq!(ended["tasks"], json!([]));
}

async fn an_expiry_can_be_hurried(engine: Engine) {
    let (house, _) = house_with_a_dropped_table(engine).await;
    let task = house.tasks("soft_deletion").await[0].clone();

    control(&house, json!({"action-type": "run-now"}), &task).await;
    house.work().await;

    assert_eq!(house.deleted().await.len(), 0);
    assert_eq!(house.tasks("soft_deletion").await[0]["status"], "SUCCESS");
}

async fn b4_a_time_that_no_answer_could_show_is_refused(engine: Engine) {
    let (house, _) = house_with_a_dropped_table(engine).await;
    let task = house.tasks("soft_deletion").await[0].clone();

    for time in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"] {
        let action = json!({"action-type": "run-at", "scheduled-for": time});
        let body = json!({"action": action, "task-ids": [task["task-id"]]});
        house.warehouse.post("/task/control", body).send().await.expect_error(400, "BadRequestException");
    }

    assert_eq!(house.tasks("soft_deletion").await[0]["scheduled-for"], task["scheduled-for"]);
}

async fn a_cancelled_expiry_keeps_the_table_until_it_is_brought_back(engine: Engine) {
    let (house, table) = house_with_a_dropped_table(engine).await;
    let task = house.tasks("soft_deletion").await[0].clone();

    control(&house, json!({"action-type": "cancel"}), &task).await;
    house.pass_seconds(3_600);
    house.work().await;

    assert_eq!(house.tasks("soft_deletion").await[0]["status"], "CANCELLED");
    house.undrop(&house.deleted().await[0]["id"]).send().await.expect(204);
    assert!(path_of(&table["metadata-location"]).exists());
}

/// A purge that a worker holds, with the answer to the worker's next heartbeat after the action.
async fn heartbeat_after(engine: Engine, action: &str) -> (House, Option<TaskStatus>) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    let (permit, now_ms) = (weir::permit::Permit::operator("a worker"), house.app.clock.now_ms());
    let mut writer = house.app.store.begin(&permit).await.expect("a transaction");
    let held = writer.claim_tasks("tabular_purge", now_ms, 60_000, 1).await.expect("a claim").remove(0);
    writer.commit().await.expect("a commit");

    let task = house.tasks("tabular_purge").await[0].clone();
    control(&house, json!({"action-type": action}), &task).await;

    let report = TaskReport { progress: 0.5, details: None, lease_until_ms: now_ms + 60_000 };
    let mut writer = house.app.store.begin(&permit).await.expect("a transaction");
    let told = writer.heartbeat(&held, &report, now_ms).await.expect("a heartbeat");
    writer.commit().await.expect("a commit");
    (house, told)
}

async fn a_cancelled_task_that_runs_is_told_to_end(engine: Engine) {
    let (house, told) = heartbeat_after(engine, "cancel").await;

    assert_eq!(told, Some(TaskStatus::Stopping));
    assert_eq!(house.tasks("tabular_purge").await[0]["status"], "STOPPING");
    house.pass_seconds(61);
    house.work().await;
    assert_eq!(house.tasks("tabular_purge").await[0]["status"], "CANCELLED");
}

async fn a_stopped_task_is_taken_from_its_worker_then_done_again(engine: Engine) {
    let (house, told) = heartbeat_after(engine, "stop").await;

    assert_eq!(told, None);
    house.pass_seconds(61);
    house.work().await;
    let task = house.tasks("tabular_purge").await[0].clone();
    assert_eq!((&task["status"], &task["attempt"]), (&json!("SUCCESS"), &json!(2)));
}

async fn a_task_of_another_warehouse_is_not_there(engine: Engine) {
    let (house, _) = house_with_a_dropped_table(engine).await;
    let task = house.tasks("soft_deletion").await[0]["task-id"].as_str().expect("an id").to_owned();
    let root = format!("file://{}/other", house.installation.home().display());
    let body = json!({"warehouse-name": "other", "storage-profile": {"type": "local", "root": root}});
    let other = house.management.post("/warehouse", body).send().await.expect(201).json();
    let other = other["warehouse-id"].as_str().expect("an id").to_owned();

    let path = format!("/warehouse/{other}/task/by-id/{task}");
    house.management.get(&path).send().await.expect_error(404, "NotFoundException");
    let cancel = json!({"action": {"action-type": "cancel"}, "task-ids": [task]});
    house.management.post(&format!("/warehouse/{other}/task/control"), cancel).send().await.expect(404);

    assert_eq!(house.tasks("soft_deletion").await[0]["status"], "SCHEDULED");
}

async fn queues_are_configured_for_a_warehouse(engine: Engine) {
    let house = House::open(engine).await;
    let path = "/task-queue/tabular_purge/config";
    let body = json!({"max-seconds-since-last-heartbeat": 120, "queue-config": {}});

    house.warehouse.post(path, body.clone()).send().await.expect(204);

    assert_eq!(house.warehouse.get(path).send().await.expect(200).json(), body);
    let unset = house.warehouse.get("/task-queue/soft_deletion/config").send().await.expect(200).json();
    assert_eq!(unset, json!({"max-seconds-since-last-heartbeat": null, "queue-config": {}}));
    let absurd = json!({"max-seconds-since-last-heartbeat": 0, "queue-config": {}});
    house.warehouse.post(path, absurd).send().await.expect_error(400, "BadRequestException");
}

async fn housekeeping_comes_round_again(engine: Engine) {
    let house = House::open(engine).await;
    assert_eq!(house.work().await, 0);

    house.pass_seconds(3_601);
    assert_eq!(house.work().await, 2, "old answers and old events");
    house.pass_seconds(24 * 3_600);
    assert_eq!(house.work().await, 4, "old tasks of the server and of its project too");
}

async fn events_that_nobody_fetches_are_forgotten_in_time(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let kept = async || house.app.store.events_page(None, 100).await.expect("events").len();
    assert!(kept().await > 0);
    let retention_s = i64::try_from(house.app.config.tasks.event_retention_s).expect("seconds");

    house.pass_seconds(retention_s - 60);
    house.work().await;
    assert!(kept().await > 0);
    house.pass_seconds(3_700);
    house.work().await;

    assert_eq!(kept().await, 0);
}

async fn of_many_workers_each_task_is_done_by_one(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.work().await;
    for number in 0..20 {
        let name = format!("t{number}");
        house.create_table("ns", &name).await;
        house.drop_table("ns", &name, "?purgeRequested=true").send().await.expect(204);
    }

    let mut apps = vec![house.app.clone(), house.app.clone()];
    if engine == Engine::Postgres {
        apps.extend([house.replica().await, house.replica().await]);
    }
    let work = async |app| weir::tasks::run_due_now(app).await.expect("the work can be claimed");
    let done = futures_util::future::join_all(apps.iter().map(|app| work(app))).await;

    assert_eq!(done.iter().sum::<usize>(), 20, "{done:?}");
    let purged = house.tasks("tabular_purge").await;
    assert!(purged.iter().all(|task| task["status"] == "SUCCESS" && task["attempt"] == 1), "{purged:?}");
}

async fn a_task_of_a_dead_worker_is_taken_over(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    let table = house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    let permit = weir::permit::Permit::operator("a worker that dies");
    let mut writer = house.app.store.begin(&permit).await.expect("a transaction");
    let claimed = writer.claim_tasks("tabular_purge", house.app.clock.now_ms(), 60_000, 10).await.expect("a claim");
    writer.commit().await.expect("a commit");
    assert_eq!(claimed.len(), 1);

    house.work().await;
    assert_eq!(house.tasks("tabular_purge").await[0]["status"], "RUNNING");
    house.pass_seconds(61);
    house.work().await;

    let task = house.tasks("tabular_purge").await[0].clone();
    assert_eq!((&task["status"], &task["attempt"]), (&json!("SUCCESS"), &json!(2)));
    assert!(!path_of(&table["metadata"]["location"]).exists());
}

async fn a_warehouse_with_unfinished_tasks_is_not_deleted(engine: Engine) {
    let house = House::open(engine).await;
    house.create_namespace("ns").await;
    house.create_table("ns", "t").await;
    house.drop_table("ns", "t", "?purgeRequested=true").send().await.expect(204);
    house.catalog.delete("/namespaces/ns").send().await.expect(204);

    let message = house.warehouse.delete("").send().await.expect_error(409, "ConflictException");

    assert!(message.contains("unfinished tasks"), "{message}");
    house.work().await;
    house.warehouse.delete("").send().await.expect(204);
}

async fn b4_a_nul_in_a_filter_is_refused(engine: Engine) {
    let house = House::open(engine).await;

    let tasks = house.warehouse.post("/task/list", json!({"queue-name": ["a\u{0}b"]})).send().await;
    let found = house.warehouse.post("/search-tabular", json!({"search": "a\u{0}b"})).send().await;

    tasks.expect_error(400, "BadRequestException");
    found.expect_error(400, "BadRequestException");
}
