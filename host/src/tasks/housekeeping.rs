//! What the catalog forgets in time: old answers, old events, old tasks.

use uuid::Uuid;

use super::Trouble;
use super::queue::Queue;
use crate::app::App;
use crate::catalog::ids::TaskId;
use crate::error::Result;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{NewTask, Task};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// As in Lakekeeper.
const TASK_LOG_RETENTION_MS: i64 = 90 * DAY_MS;
/// Rows deleted in one transaction, so that nobody waits long for the writer.
const BATCH: u32 = 5_000;

const QUEUES: [Queue; 4] =
    [Queue::IdempotencyCleanup, Queue::OutboxCleanup, Queue::TaskLogCleanup, Queue::OrphanCleanup];

/// Orphans are looked for only where the operator says after which time.
fn wanted(app: &App, queue: Queue) -> bool {
    queue != Queue::OrphanCleanup || app.config.tasks.orphan_grace_s.is_some()
}

const fn period_ms(queue: Queue) -> i64 {
    match queue {
        Queue::TaskLogCleanup | Queue::OrphanCleanup => DAY_MS,
        _ => HOUR_MS,
    }
}

/// Schedules whatever of the housekeeping is not scheduled yet.
pub async fn ensure(app: &App) -> Result<()> {
    let now_ms = app.clock.now_ms();
    let permit = Permit::operator("housekeeping");
    for queue in QUEUES.into_iter().filter(|queue| wanted(app, *queue)) {
        if app.store.active_task(queue.as_str(), Uuid::nil()).await?.is_some() {
            continue;
        }
        let mut writer = app.store.begin(&permit).await?;
        writer.enqueue_task(&next(queue, now_ms)).await?;
        writer.commit().await?;
    }
    Ok(())
}

/// Housekeeping that has ended is due again after a while; other work is not.
pub async fn schedule_next(app: &App, writer: &mut Writer, task: &Task, now_ms: i64) -> Result<()> {
    match Queue::parse(&task.queue).filter(|queue| QUEUES.contains(queue) && wanted(app, *queue)) {
        Some(queue) => writer.enqueue_task(&next(queue, now_ms)).await.map(|_| ()),
        None => Ok(()),
    }
}

fn next(queue: Queue, now_ms: i64) -> NewTask {
    NewTask {
        id: TaskId::new(),
        queue: queue.as_str().to_owned(),
        project_id: None,
        warehouse_id: None,
        entity_id: Uuid::nil(),
        entity_kind: "server".to_owned(),
        entity_name: "[]".to_owned(),
        scheduled_for_ms: now_ms + period_ms(queue),
        payload: "{}".to_owned(),
        location: None,
        parent_id: None,
        now_ms,
    }
}

/// Forgets in batches until nothing old is left.
pub async fn work(app: &App, queue: Queue) -> Result<Writer, Trouble> {
    let permit = Permit::operator(queue.as_str());
    let now_ms = app.clock.now_ms();
    loop {
        let mut writer = app.store.begin(&permit).await?;
        let forgotten = match queue {
            Queue::IdempotencyCleanup => writer.delete_expired_idempotency(now_ms, BATCH).await?,
            Queue::OutboxCleanup => {
                let before_ms = now_ms - app.config.tasks.event_retention_ms();
                writer.delete_events_before(before_ms, BATCH).await?
            }
            _ => writer.delete_finished_tasks(now_ms - TASK_LOG_RETENTION_MS, BATCH).await?,
        };
        if forgotten < u64::from(BATCH) {
            return Ok(writer);
        }
        writer.commit().await?;
    }
}
