//! Changes that were acknowledged, then lost by a failover of the database: found, told, their files kept (R9).

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::api::record::{Happened, record};
use crate::app::App;
use crate::catalog::ids::TabularId;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::LogPosition;
use crate::store::rows::Event;

/// How often the database is asked where its log stands.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// So long after a failover a connection to the old primary may still acknowledge something.
const DOUBT_MS: i64 = 5 * 60 * 1_000;
/// What is older has long been on every standby that is of any use.
const AGE_MS_MAX: i64 = 60 * 60 * 1_000;

const LOST: &str = "weir_store_lost_changes_total";

/// What was seen of the database so far.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<LogPosition>,
    doubt_until_ms: i64,
}

/// Looks until asked to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    // From the first scrape on, or the first loss would be no increase.
    metrics::counter!(LOST).increment(0);
    let mut watch = Watch::default();
    while let Some(looked) = stop.run_until_cancelled(watch.look(&app)).await {
        if let Err(error) = looked {
            tracing::debug!(error = %error, "whether the database lost changes is not known yet; it is asked again");
        }
        if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            return;
        }
    }
}

impl Watch {
    /// Asks the database where its log stands. Where that tells of a failover, or cannot be told, everything that this
    /// process acknowledged lately is looked up. Gives how many changes are lost.
    pub async fn look(&mut self, app: &App) -> Result<usize> {
        let now_ms = app.clock.now_ms();
        match app.store.log_position().await {
            Ok(None) => return Ok(0),
            Ok(Some(position)) => self.compare(app, position, now_ms),
            // It does not answer, and may be another one when it does; or it is one that does not know the question.
            Err(error) => {
                tracing::debug!(error = %error, "the database does not say where its log stands");
                self.doubt_for(1, now_ms);
            }
        }
        if now_ms >= self.doubt_until_ms {
            return Ok(0);
        }
        // What could not be looked up now is looked up with the next look.
        tell_losses(app).await.inspect_err(|_| self.doubt_for(DOUBT_MS, now_ms))
    }

    fn compare(&mut self, app: &App, position: LogPosition, now_ms: i64) {
        match self.seen.replace(position) {
            // Something may have been acknowledged, then lost, before the first look.
            None => self.doubt_for(1, now_ms),
            Some(seen) if position.may_have_lost(seen) => {
                tracing::warn!(timeline = position.timeline, "the database has failed over");
                app.forget_versions();
                self.doubt_for(DOUBT_MS, now_ms);
            }
            Some(_) => {}
        }
    }

    fn doubt_for(&mut self, ms: i64, now_ms: i64) {
        self.doubt_until_ms = self.doubt_until_ms.max(now_ms.saturating_add(ms));
    }
}

/// Looks up what this process acknowledged lately, tells of each change that the database does not have any more; gives how
/// many those are.
pub async fn tell_losses(app: &App) -> Result<usize> {
    // Events that are older may have been forgotten on purpose, by a replica whose clock goes ahead.
    let age_ms = AGE_MS_MAX.min(app.config.tasks.event_retention_ms() / 2);
    let lost = app.store.lost_since(app.clock.now_ms().saturating_sub(age_ms)).await?;
    for event in &lost {
        tell(app, event).await?;
        app.store.forget_promise(event.id);
    }
    Ok(lost.len())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Names {
    namespace: Vec<String>,
    name: String,
    metadata_location: Option<String>,
}

/// The event goes first: it keeps the files from being cleaned up. A crash in between forgets what this process remembers.
async fn tell(app: &App, lost: &Event) -> Result<()> {
    let body: Value = serde_json::from_str(&lost.body).map_err(Error::internal)?;
    let names = Names::deserialize(&body["data"]).unwrap_or_default();
    let found = metadata_location_now(app, &lost.subject).await?;
    let happened = Happened {
        kind: EventKind::ChangeLost,
        warehouse: lost.warehouse_id,
        subject: lost.subject.clone(),
        data: json!({"lost": body, "metadata-location": found}),
    };
    let permit = Permit::operator("losses");
    let mut writer = app.store.begin(&permit).await?;
    record(&mut writer, &permit, happened, app.clock.now_ms()).await?;
    writer.commit().await?;
    metrics::counter!(LOST).increment(1);
    tracing::error!(
        event.id = %lost.id,
        event.kind = lost.kind,
        subject = lost.subject,
        namespace = names.namespace.join("."),
        name = names.name,
        lost = names.metadata_location,
        found,
        "a failover of the database lost a change that was acknowledged: {} of {}",
        lost.kind,
        lost.subject
    );
    Ok(())
}

/// Where the table or view is now; `None` where it is not there, or where it is about something else.
async fn metadata_location_now(app: &App, subject: &str) -> Result<Option<String>> {
    let id = match subject.split_once('/') {
        Some(("table" | "view", id)) => Uuid::try_parse(id).ok(),
        _ => None,
    };
    let Some(id) = id else { return Ok(None) };
    let row = app.store.tabular_of_any_warehouse(TabularId(id)).await?;
    Ok(row.map(|row| row.metadata_location))
}
