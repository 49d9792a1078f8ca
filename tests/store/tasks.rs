//! Background work is claimed once, kept by a lease, tried again, controlled.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use uuid::Uuid;
use weir::catalog::ids::TaskId;
use weir::store::rows::{NewTask, Task, TaskFilter, TaskOutcome, TaskReport, TaskStatus};
use weir_tests::{Engine, on_both_engines};

use crate::fixture::{Ledger, begin, ledger};

const QUEUE: &str = "purge";

async fn enqueue(ledger: &Ledger, entity_id: Uuid, at_ms: i64) -> Option<TaskId> {
    let task = NewTask {
        id: TaskId::new(),
        queue: QUEUE.to_owned(),
        project_id: None,
        warehouse_id: Some(ledger.warehouse),
        entity_id,
        entity_kind: "table".to_owned(),
        entity_name: "sales.orders".to_owned(),
        scheduled_for_ms: at_ms,
        payload: "{}".to_owned(),
        location: None,
        parent_id: None,
        now_ms: 1,
    };
    let mut writer = begin(&ledger.store).await;
    let queued = writer.enqueue_task(&task).await.unwrap();
    writer.commit().await.unwrap();
    queued.then_some(task.id)
}

async fn claim(ledger: &Ledger, now_ms: i64, limit: u32) -> Vec<Task> {
    let mut writer = begin(&ledger.store).await;
    let claimed = writer.claim_tasks(QUEUE, now_ms, 1_000, limit).await.unwrap();
    writer.commit().await.unwrap();
    claimed
}

async fn finish(ledger: &Ledger, task: &Task, outcome: TaskOutcome, now_ms: i64) -> bool {
    let mut writer = begin(&ledger.store).await;
    let finished = writer.finish_task(task, &outcome, now_ms).await.unwrap();
    writer.commit().await.unwrap();
    finished
}

async fn no_two_workers_claim_the_same_task(engine: Engine) {
    let ledger = Arc::new(ledger(engine).await);
    for _ in 0..40 {
        enqueue(&ledger, Uuid::new_v4(), 10).await.unwrap();
    }
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let ledger = ledger.clone();
        workers.spawn(async move { claim(&ledger, 20, 7).await });
    }
    let mut claimed: Vec<Task> = workers.join_all().await.into_iter().flatten().collect();
    while let more = claim(&ledger, 20, 7).await
        && !more.is_empty()
    {
        claimed.extend(more);
    }

    let ids: BTreeSet<TaskId> = claimed.iter().map(|task| task.id).collect();

    assert_eq!((ids.len(), claimed.len()), (40, 40));
    assert!(claimed.iter().all(|task| task.attempt == 1 && task.status == TaskStatus::Running));
}

async fn an_entity_has_one_unfinished_task_of_a_queue(engine: Engine) {
    let ledger = ledger(engine).await;
    let entity = Uuid::new_v4();
    let first = enqueue(&ledger, entity, 10).await;
    let second = enqueue(&ledger, entity, 10).await;
    let task = claim(&ledger, 20, 1).await.remove(0);
    let while_running = enqueue(&ledger, entity, 10).await;
    assert!(finish(&ledger, &task, TaskOutcome::Success, 30).await);
    let after = enqueue(&ledger, entity, 10).await;

    assert_eq!(first, Some(task.id));
    assert_eq!((second, while_running), (None, None));
    assert!(after.is_some());
}

/// R5: a worker that was killed loses its task to another one, then can no longer report on it.
async fn a_lease_that_ran_out_moves_the_task_on(engine: Engine) {
    let ledger = ledger(engine).await;
    enqueue(&ledger, Uuid::new_v4(), 10).await;
    let lost = claim(&ledger, 20, 1).await.remove(0);
    assert!(claim(&ledger, 1_000, 1).await.is_empty());
    let taken = claim(&ledger, 2_000, 1).await.remove(0);

    let stale = finish(&ledger, &lost, TaskOutcome::Success, 2_001).await;
    let fresh = finish(&ledger, &taken, TaskOutcome::Success, 2_002).await;

    assert_eq!((lost.id, lost.attempt, taken.attempt), (taken.id, 1, 2));
    assert!(!stale && fresh);
    assert_eq!(ledger.store.task(taken.id).await.unwrap().unwrap().status, TaskStatus::Success);
}

async fn a_failed_attempt_is_remembered_then_tried_again(engine: Engine) {
    let ledger = ledger(engine).await;
    enqueue(&ledger, Uuid::new_v4(), 10).await;
    let task = claim(&ledger, 20, 1).await.remove(0);
    let retry = TaskOutcome::Retry { message: "bucket is away".to_owned(), at_ms: 500 };
    assert!(finish(&ledger, &task, retry, 30).await);

    let early = claim(&ledger, 499, 1).await;
    let again = claim(&ledger, 500, 1).await.remove(0);

    let attempts = ledger.store.task_attempts(task.id).await.unwrap();
    assert!(early.is_empty());
    assert_eq!(again.attempt, 2);
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].status, TaskStatus::Failed);
    assert_eq!(attempts[0].message.as_deref(), Some("bucket is away"));
}

async fn a_running_task_learns_from_its_heartbeat_that_it_shall_stop(engine: Engine) {
    let ledger = ledger(engine).await;
    enqueue(&ledger, Uuid::new_v4(), 10).await;
    let task = claim(&ledger, 20, 1).await.remove(0);
    let report = TaskReport { progress: 0.5, details: Some("{\"files\":3}"), lease_until_ms: 5_000 };
    let mut writer = begin(&ledger.store).await;
    let before = writer.heartbeat(&task, &report, 30).await.unwrap();
    assert!(writer.stop_task(task.id, 31).await.unwrap());
    let after = writer.heartbeat(&task, &report, 32).await.unwrap();
    writer.commit().await.unwrap();

    let shown = ledger.store.task(task.id).await.unwrap().unwrap();

    assert_eq!((before, after), (Some(TaskStatus::Running), Some(TaskStatus::Stopping)));
    assert_eq!((shown.progress, shown.details.as_deref()), (0.5, Some("{\"files\":3}")));
    assert!(finish(&ledger, &task, TaskOutcome::Retry { message: "late".to_owned(), at_ms: 99 }, 40).await);
    assert_eq!(ledger.store.task(task.id).await.unwrap().unwrap().status, TaskStatus::Cancelled);
}

async fn tasks_are_listed_newest_first_by_what_is_asked_for(engine: Engine) {
    let ledger = ledger(engine).await;
    let mut ids = Vec::new();
    for index in 0..5 {
        ids.push(enqueue(&ledger, Uuid::from_u128(index), 10).await.unwrap());
    }
    let mut writer = begin(&ledger.store).await;
    assert!(writer.cancel_task(ids[1], 15).await.unwrap());
    writer.commit().await.unwrap();
    let scheduled = TaskFilter {
        warehouse_id: Some(ledger.warehouse),
        queue: Some(QUEUE.to_owned()),
        status: Some(TaskStatus::Scheduled),
        ..TaskFilter::default()
    };

    let first = ledger.store.tasks_page(&scheduled, None, 2).await.unwrap();
    let second = ledger.store.tasks_page(&scheduled, Some(first[1].id), 9).await.unwrap();

    let shown: Vec<TaskId> = first.iter().chain(&second).map(|task| task.id).collect();
    assert_eq!(shown, [ids[4], ids[3], ids[2], ids[0]]);
}

on_both_engines!(
    no_two_workers_claim_the_same_task,
    an_entity_has_one_unfinished_task_of_a_queue,
    a_lease_that_ran_out_moves_the_task_on,
    a_failed_attempt_is_remembered_then_tried_again,
    a_running_task_learns_from_its_heartbeat_that_it_shall_stop,
    tasks_are_listed_newest_first_by_what_is_asked_for,
);
