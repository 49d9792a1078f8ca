//! What the catalog forgets in time: old answers, old events, old tasks.

use uuid::Uuid;

use super::queue::Queue;
use super::{Trouble, project_cleanup};
use crate::api::project_settings::{ProjectSettings, TaskLogCleanup};
use crate::app::App;
use crate::catalog::ids::{ProjectId, TaskId};
use crate::error::Result;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{NewTask, Task};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rows deleted in one transaction, so that nobody waits long for the writer.
const BATCH: u32 = 5_000;
/// How many projects are looked at with one read.
const PAGE: u32 = 1_000;

/// What the server does for itself; its own log of tasks holds what belongs to no project.
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

/// Schedules whatever of the housekeeping is not scheduled yet, the server's and each project's.
pub async fn ensure(app: &App) -> Result<()> {
    let now_ms = app.clock.now_ms();
    for queue in QUEUES.into_iter().filter(|queue| wanted(app, *queue)) {
        ensure_one(app, next(queue, now_ms)).await?;
    }
    let mut after: Option<ProjectId> = None;
    loop {
        let page = app.store.projects_page(after.as_ref(), PAGE).await?;
        for project in &page {
            ensure_one(app, project_cleanup::next(&project.id, TaskLogCleanup::default(), now_ms)).await?;
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last.id),
            None => return Ok(()),
        }
    }
}

async fn ensure_one(app: &App, task: NewTask) -> Result<()> {
    if app.store.active_task(&task.queue, task.entity_id).await?.is_some() {
        return Ok(());
    }
    let mut writer = app.store.begin(&Permit::operator("housekeeping")).await?;
    writer.enqueue_task(&task).await?;
    writer.commit().await
}

/// Housekeeping that has ended is due again after a while; other work is not, nor is that of a project that is gone.
pub async fn schedule_next(writer: &mut Writer, task: &Task, now_ms: i64) -> Result<()> {
    let Some(queue) = Queue::parse(&task.queue).filter(|queue| QUEUES.contains(queue)) else { return Ok(()) };
    let task = match &task.project_id {
        None => next(queue, now_ms),
        Some(project) => match writer.project_settings(project).await? {
            Some(text) => {
                let settings = ProjectSettings::from_stored(text.as_deref())?;
                project_cleanup::next(project, settings.task_log_cleanup, now_ms)
            }
            None => return Ok(()),
        },
    };
    writer.enqueue_task(&task).await.map(drop)
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
pub async fn work(app: &App, queue: Queue, task: &Task) -> Result<Writer, Trouble> {
    let permit = Permit::operator(queue.as_str());
    let now_ms = app.clock.now_ms();
    let retention_ms = match &task.project_id {
        None => TaskLogCleanup::RETENTION_MS_DEFAULT,
        Some(project) => project_cleanup::settings(app, project).await?.retention_ms(),
    };
    loop {
        let mut writer = app.store.begin(&permit).await?;
        let forgotten = match queue {
            Queue::IdempotencyCleanup => writer.delete_expired_idempotency(now_ms, BATCH).await?,
            Queue::OutboxCleanup => {
                let before_ms = now_ms - app.config.tasks.event_retention_ms();
                // Both, or this batch is not the last one.
                let events = writer.delete_events_before(before_ms, BATCH).await?;
                events.max(writer.delete_dead_letters_before(before_ms, BATCH).await?)
            }
            _ => writer.delete_finished_tasks(task.project_id.as_ref(), now_ms - retention_ms, BATCH).await?,
        };
        if forgotten < u64::from(BATCH) {
            return Ok(writer);
        }
        writer.commit().await?;
    }
}
