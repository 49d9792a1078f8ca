//! What becomes of work that somebody stops while it is under way.

use std::future::pending;

use uuid::Uuid;

use super::*;
use crate::app::Clock;
use crate::catalog::ids::TaskId;
use crate::config::Config;
use crate::store::rows::{NewTask, TaskStatus};

#[test]
fn the_wait_between_tries_doubles_up_to_an_hour() {
    assert_eq!(backoff_ms(1), 10_000);
    assert_eq!(backoff_ms(2), 20_000);
    assert_eq!(backoff_ms(9), 2_560_000);
    assert_eq!(backoff_ms(10), BACKOFF_MS_MAX);
    assert_eq!(backoff_ms(i64::MAX), BACKOFF_MS_MAX);
}

/// A catalog with one task that a worker holds.
async fn held() -> (tempfile::TempDir, Arc<App>, Task) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let variables = [
        ("WEIR__STORE__URL", format!("sqlite:{}", path("weir.db"))),
        ("WEIR__STORAGE__LOCAL_ROOTS", path("")),
        ("WEIR__BOOTSTRAP__WAREHOUSE_ROOT", path("lake")),
    ];
    let config = Config::read(None, variables.map(|(name, value)| (name.to_owned(), value))).unwrap();
    let app = App::open(config, Clock::default()).await.unwrap();
    let now_ms = app.clock.now_ms();
    let queue = Queue::TabularPurge.as_str();
    let task = NewTask {
        id: TaskId::new(),
        queue: queue.to_owned(),
        project_id: None,
        warehouse_id: None,
        entity_id: Uuid::now_v7(),
        entity_kind: "table".to_owned(),
        entity_name: "[]".to_owned(),
        scheduled_for_ms: now_ms,
        payload: "{}".to_owned(),
        location: None,
        parent_id: None,
        now_ms,
    };
    let mut writer = app.store.begin(&Permit::operator("test")).await.unwrap();
    assert!(writer.enqueue_task(&task).await.unwrap());
    let held = writer.claim_tasks(queue, now_ms, LEASE_MS, 1).await.unwrap().remove(0);
    writer.commit().await.unwrap();
    (folder, app, held)
}

const LEASE_MS: i64 = 900;

#[tokio::test]
async fn cancelled_work_ends_at_the_next_heartbeat_for_good() {
    let (_folder, app, task) = held().await;
    let mut writer = app.store.begin(&Permit::operator("test")).await.unwrap();
    assert!(writer.stop_task(task.id, app.clock.now_ms()).await.unwrap());
    writer.commit().await.unwrap();

    let ended = unless_halted(&app, &task, LEASE_MS, pending()).await.unwrap();

    let shown = app.store.task(task.id).await.unwrap().unwrap();
    assert_eq!(ended, Ended::Cancelled);
    assert_eq!(shown.status, TaskStatus::Cancelled);
    assert!(shown.finished_at_ms.is_some());
}

#[tokio::test]
async fn work_ends_with_its_lease_where_the_ledger_does_not_answer() {
    let (_folder, app, task) = held().await;
    let _busy = app.store.begin(&Permit::operator("test")).await.unwrap();

    let ended = unless_halted(&app, &task, LEASE_MS, pending()).await.unwrap();

    let late_ms = app.clock.now_ms() - task.lease_until_ms.unwrap();
    assert_eq!(ended, Ended::LeaseLost);
    assert!(late_ms < LEASE_MS / 4, "somebody else may have held it for {late_ms} ms");
}

#[tokio::test]
async fn stopped_work_ends_at_the_next_heartbeat_to_be_done_again() {
    let (_folder, app, task) = held().await;
    let mut writer = app.store.begin(&Permit::operator("test")).await.unwrap();
    assert!(writer.revoke_task(task.id, app.clock.now_ms()).await.unwrap());
    writer.commit().await.unwrap();

    let ended = unless_halted(&app, &task, LEASE_MS, pending()).await.unwrap();

    assert_eq!(ended, Ended::LeaseLost);
    assert_eq!(app.store.task(task.id).await.unwrap().unwrap().status, TaskStatus::Running);
    app.clock.shift_ms(10 * LEASE_MS);
    let mut writer = app.store.begin(&Permit::operator("test")).await.unwrap();
    let again = writer.claim_tasks(&task.queue, app.clock.now_ms(), LEASE_MS, 1).await.unwrap();
    writer.commit().await.unwrap();
    assert_eq!((again.len(), again[0].id, again[0].attempt), (1, task.id, 2));
}
