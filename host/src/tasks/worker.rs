//! The workers: claim what is due, do it, say how it ended.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::queue::Queue;
use super::{Trouble, expiration, housekeeping, metadata_files, orphans, project_cleanup, purge, restore};
use crate::api::warehouse_settings::WarehouseSettings;
use crate::app::App;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Task, TaskOutcome, TaskReport, TaskStatus};

/// Works until asked to stop, then finishes what it has begun.
///
/// INVARIANT: work may be dropped half way, and is then done again from its start, or never, as whoever stopped it asked.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let poll = Duration::from_millis(app.config.tasks.poll_interval_ms);
    let mut working = JoinSet::new();
    if let Err(error) = housekeeping::ensure(&app).await {
        tracing::warn!(error = %error, "the housekeeping could not be scheduled; the next start tries again");
    }
    if let Err(error) = restore::newest_files(&app).await {
        tracing::error!(error = %error, "the newest metadata files could not be checked");
    }
    while !stop.is_cancelled() {
        let free = app.config.tasks.workers.saturating_sub(working.len());
        for task in claim_or_nothing(&app, free).await {
            let app = Arc::clone(&app);
            working.spawn(async move { work_on(&app, task).await });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(poll) => {}
            Some(_) = working.join_next() => {}
        }
    }
    while working.join_next().await.is_some() {}
}

/// Does everything that is due by the app's clock, what comes due by doing it included; gives how many tasks it did.
pub async fn run_due_now(app: &App) -> Result<usize> {
    housekeeping::ensure(app).await?;
    let mut done = 0;
    loop {
        let tasks = claim(app, app.config.tasks.workers).await?;
        if tasks.is_empty() {
            return Ok(done);
        }
        done += tasks.len();
        for task in tasks {
            work_on(app, task).await;
        }
    }
}

async fn claim_or_nothing(app: &App, free: usize) -> Vec<Task> {
    if free == 0 {
        return Vec::new();
    }
    claim(app, free).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "no tasks could be claimed; trying again at the next poll");
        Vec::new()
    })
}

/// Takes due tasks: scheduled ones whose time has come, running ones whose worker fell silent.
async fn claim(app: &App, limit: usize) -> Result<Vec<Task>> {
    let now_ms = app.clock.now_ms();
    let mut left = u32::try_from(limit).unwrap_or(u32::MAX);
    let mut claimed = Vec::new();
    for queue in app.store.due_queues(now_ms).await? {
        if left == 0 {
            break;
        }
        let mut writer = app.store.begin(&Permit::operator(&queue)).await?;
        let tasks = writer.claim_tasks(&queue, now_ms, server_lease_ms(app), left).await?;
        writer.commit().await?;
        left = left.saturating_sub(u32::try_from(tasks.len()).unwrap_or(u32::MAX));
        claimed.extend(tasks);
    }
    Ok(claimed)
}

fn server_lease_ms(app: &App) -> i64 {
    i64::try_from(app.config.tasks.lease_s).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

/// One try of one task; how it ended is in the database afterwards, and in the log.
async fn work_on(app: &App, task: Task) {
    let lease_ms = lease_ms(app, &task).await;
    let ended = unless_halted(app, &task, lease_ms, attempt(app, &task)).await;
    tell(&task, ended);
}

/// Drops the attempt, with the transaction it may hold, as soon as a heartbeat says that it is not wanted any more.
async fn unless_halted(
    app: &App,
    task: &Task,
    lease_ms: i64,
    attempt: impl Future<Output = Result<Ended>>,
) -> Result<Ended> {
    let halt = tokio::select! {
        biased;
        ended = attempt => return ended,
        halt = keep_alive(app, task, lease_ms) => halt,
    };
    match halt {
        Halt::LeaseLost => Ok(Ended::LeaseLost),
        Halt::Cancelled => {
            let writer = app.store.begin(&Permit::operator(&task.queue)).await?;
            finish(app, writer, task, TaskOutcome::Cancelled).await
        }
    }
}

fn tell(task: &Task, ended: Result<Ended>) {
    let (queue, attempt) = (task.queue.as_str(), task.attempt);
    let outcome = match &ended {
        Ok(Ended::Done) => "done",
        Ok(Ended::Cancelled) => "cancelled",
        Ok(Ended::Again(_)) => "failed",
        Ok(Ended::GivenUp(_)) => "given_up",
        Ok(Ended::LeaseLost) | Err(_) => "lost",
    };
    metrics::counter!("weir_tasks_total", "queue" => task.queue.clone(), "outcome" => outcome).increment(1);
    match ended {
        Ok(Ended::Done) => tracing::info!(task.id = %task.id, task.queue = queue, attempt, "a task is done"),
        Ok(Ended::Cancelled) => tracing::info!(task.id = %task.id, task.queue = queue, attempt, "a task was cancelled"),
        Ok(Ended::LeaseLost) => {
            tracing::warn!(task.id = %task.id, task.queue = queue, attempt, "a task was stopped or taken over meanwhile");
        }
        Ok(Ended::Again(message)) => {
            tracing::warn!(task.id = %task.id, task.queue = queue, attempt, message, "a task failed, it is tried again");
        }
        Ok(Ended::GivenUp(message)) => {
            tracing::error!(task.id = %task.id, task.queue = queue, attempt, message, "a task failed for good");
        }
        Err(error) => {
            tracing::warn!(task.id = %task.id, task.queue = queue, attempt, error = %error,
                "the end of a task could not be noted; it is done again when its lease runs out");
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Done,
    Cancelled,
    LeaseLost,
    Again(String),
    GivenUp(String),
}

async fn attempt(app: &App, task: &Task) -> Result<Ended> {
    match work(app, task).await {
        Ok(writer) => finish(app, writer, task, TaskOutcome::Success).await,
        Err(trouble) => {
            let outcome = failure(app, task, trouble);
            let writer = app.store.begin(&Permit::operator(&task.queue)).await?;
            finish(app, writer, task, outcome).await
        }
    }
}

/// Does the work up to its last transaction, which is left open so that its end is noted in it.
async fn work(app: &App, task: &Task) -> Result<Writer, Trouble> {
    match Queue::parse(&task.queue) {
        Some(Queue::SoftDeletion) => expiration::work(app, task).await,
        Some(Queue::TabularPurge) => purge::work(app, task).await,
        Some(Queue::MetadataCleanup) => metadata_files::work(app, task).await,
        Some(Queue::OrphanCleanup) => orphans::work(app).await,
        Some(queue @ (Queue::TaskLogCleanup | Queue::IdempotencyCleanup | Queue::OutboxCleanup)) => {
            housekeeping::work(app, queue, task).await
        }
        None => Err(Trouble::Later(Error::internal(anyhow::anyhow!(
            "the queue `{}` is not known to this release",
            task.queue
        )))),
    }
}

/// Notes the end in the same transaction as the work; a task that somebody else holds by now leaves nothing behind.
async fn finish(app: &App, mut writer: Writer, task: &Task, outcome: TaskOutcome) -> Result<Ended> {
    let now_ms = app.clock.now_ms();
    if !writer.finish_task(task, &outcome, now_ms).await? {
        return Ok(Ended::LeaseLost);
    }
    if !matches!(outcome, TaskOutcome::Retry { .. }) {
        housekeeping::schedule_next(&mut writer, task, now_ms).await?;
    }
    writer.commit().await?;
    Ok(match outcome {
        TaskOutcome::Success => Ended::Done,
        TaskOutcome::Cancelled => Ended::Cancelled,
        TaskOutcome::Retry { message, .. } => Ended::Again(message),
        TaskOutcome::Failed { message } => Ended::GivenUp(message),
    })
}

/// The first wait before another try; it doubles with each.
const BACKOFF_MS: i64 = 10_000;
const BACKOFF_MS_MAX: i64 = 3_600_000;

fn failure(app: &App, task: &Task, trouble: Trouble) -> TaskOutcome {
    let message = match trouble {
        Trouble::Never(message) => return TaskOutcome::Failed { message },
        Trouble::Later(Error::Internal(source)) => format!("{source:#}"),
        Trouble::Later(error) => error.to_string(),
    };
    if task.attempt >= i64::from(app.config.tasks.attempts_max) {
        return TaskOutcome::Failed { message };
    }
    TaskOutcome::Retry { message, at_ms: app.clock.now_ms() + backoff_ms(task.attempt) }
}

fn backoff_ms(attempt: i64) -> i64 {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 20)).unwrap_or(20);
    BACKOFF_MS.saturating_mul(1 << doublings).min(BACKOFF_MS_MAX)
}

/// How long the task's worker may stay silent: as the warehouse or the project says for the queue, else as the server
/// says.
async fn lease_ms(app: &App, task: &Task) -> i64 {
    let own = lease_set(app, task).await.ok().flatten();
    own.map_or_else(|| server_lease_ms(app), |seconds| seconds.saturating_mul(1_000))
}

async fn lease_set(app: &App, task: &Task) -> Result<Option<i64>> {
    match (Queue::parse(&task.queue), task.warehouse_id, &task.project_id) {
        (Some(queue @ (Queue::SoftDeletion | Queue::TabularPurge)), Some(id), _) => {
            let Some(warehouse) = app.store.warehouse(id).await? else { return Ok(None) };
            let settings = WarehouseSettings::from_stored(&warehouse.settings)?;
            let set = if queue == Queue::SoftDeletion { settings.soft_deletion } else { settings.tabular_purge };
            Ok(set.max_seconds_since_last_heartbeat)
        }
        (Some(Queue::TaskLogCleanup), _, Some(project)) => {
            Ok(project_cleanup::settings(app, project).await?.max_seconds_since_last_heartbeat)
        }
        _ => Ok(None),
    }
}

/// Why an attempt is not wanted any more.
enum Halt {
    /// Somebody else holds the task, or will.
    LeaseLost,
    Cancelled,
}

/// Extends the lease for as long as the work takes, three times within each.
///
/// Where it cannot be extended before it ends, the work stops: somebody else may have done it by then, and what lies at
/// the place of a purge may belong to a new table.
async fn keep_alive(app: &App, task: &Task, lease_ms: i64) -> Halt {
    let wait_ms = lease_ms.min(server_lease_ms(app)) / 3;
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default().max(100));
    let mut ends_ms = task.lease_until_ms.unwrap_or_default();
    loop {
        tokio::time::sleep(wait.min(left(app, ends_ms))).await;
        let begun_ms = app.clock.now_ms();
        let within = wait.min(left(app, ends_ms));
        match tokio::time::timeout(within, extend_lease(app, task, lease_ms)).await {
            Ok(Ok(Some(TaskStatus::Stopping))) => return Halt::Cancelled,
            Ok(Ok(Some(_))) => ends_ms = begun_ms.saturating_add(lease_ms),
            Ok(Ok(None)) => return Halt::LeaseLost,
            Ok(Err(error)) => tracing::warn!(task.id = %task.id, error = %error, "a lease could not be extended"),
            Err(_) => tracing::warn!(task.id = %task.id, "a lease could not be extended: the ledger does not answer"),
        }
        if app.clock.now_ms() >= ends_ms {
            return Halt::LeaseLost;
        }
    }
}

/// How long a lease goes on.
fn left(app: &App, ends_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ends_ms.saturating_sub(app.clock.now_ms())).unwrap_or_default())
}

async fn extend_lease(app: &App, task: &Task, lease_ms: i64) -> Result<Option<TaskStatus>> {
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&Permit::operator(&task.queue)).await?;
    let lease_until_ms = now_ms.saturating_add(lease_ms);
    let report = TaskReport { progress: task.progress, details: None, lease_until_ms };
    let status = writer.heartbeat(task, &report, now_ms).await?;
    writer.commit().await?;
    Ok(status)
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
