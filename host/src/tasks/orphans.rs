//! Metadata files that were written for a commit which never came, because the process was killed in between.

use std::collections::HashMap;

use super::Trouble;
use super::queue::Queue;
use crate::app::App;
use crate::catalog::ids::TabularId;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::error::Result;
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::Tabular;

const PAGE: u32 = 500;
/// A table's first metadata is made so shortly before its row, at most.
const BIRTH_MS: i64 = 60_000;

/// Looks into the metadata folder of every table, soft-deleted ones included.
pub async fn work(app: &App) -> Result<Writer, Trouble> {
    let grace_ms = app.config.tasks.orphan_grace_ms().unwrap_or(i64::MAX);
    let before_ms = app.clock.now_ms().saturating_sub(grace_ms);
    let lost = app.store.subjects_of(EventKind::ChangeLost.as_str()).await?;
    let mut after: Option<TabularId> = None;
    loop {
        let page = app.store.tables_page(after, PAGE).await?;
        for table in &page {
            // What a failover lost looks like an orphan, and may be all that is left of somebody's work (R9).
            if lost.contains(&format!("table/{}", table.id)) {
                tracing::warn!(table.id = %table.id, "files of this table are kept, because a failover lost commits of it");
                continue;
            }
            // What is wrong with one table must not keep the others waiting.
            if let Err(error) = clean(app, table, before_ms).await {
                tracing::warn!(table.id = %table.id, %error, "orphaned metadata files of a table cannot be looked for");
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = Some(last.id),
            _ => return Ok(app.store.begin(&Permit::operator(Queue::OrphanCleanup.as_str())).await?),
        }
    }
}

/// Deletes the files of one table that were written since it is here, before the given time, yet never committed.
///
/// INVARIANT: only files in a folder of the table's own, named as this catalog names them, that no commit can have made the
/// table's metadata ([`TableMetadata::never_committed`]). What was there before the table came here is somebody's history,
/// what comes later may be somebody's as well for as long as the table remembers an earlier home.
async fn clean(app: &App, table: &Tabular, before_ms: i64) -> Result<()> {
    let Some(folder) = Location::parse(&table.metadata_location)?.parent() else { return Ok(()) };
    if !table.location.contains(&folder) || folder == table.location {
        return Ok(());
    }
    let files = app.files_of(table.warehouse_id, &folder).await?;
    let listed = files.list(&folder).await?;
    let since = |modified_at_ms: i64| modified_at_ms > table.created_at_ms && modified_at_ms < before_ms;
    let old: HashMap<String, i64> = listed
        .into_iter()
        .filter(|file| since(file.modified_at_ms))
        .map(|file| (file.name, file.modified_at_ms))
        .collect();
    if old.keys().all(|name| table.metadata_location.ends_with(name.as_str())) {
        return Ok(());
    }
    // `None` where the table has just moved on: the next look is soon enough.
    let Some(document) = app.store.document(table.id, table.version, &table.metadata_location).await? else {
        return Ok(());
    };
    let metadata = TableMetadata::parse(&document.all.unpack()?)?;
    if remembers_another_home(&metadata, table) {
        return Ok(());
    }
    for name in metadata.never_committed(&table.metadata_location, old.keys().map(String::as_str)) {
        let file = folder.join(name)?;
        files.delete(&file).await?;
        tracing::info!(table.id = %table.id, file = file.as_str(), "a metadata file that was never committed is deleted");
    }
    Ok(())
}

/// Whether the oldest metadata that the table knows of was made before the table came here: by another catalog, which
/// numbers its files alike, and may go on committing to the same folder.
fn remembers_another_home(metadata: &TableMetadata, table: &Tabular) -> bool {
    let oldest = metadata.metadata_log().next();
    let began_ms = oldest.map_or(metadata.last_updated_ms(), |oldest| oldest.timestamp_ms);
    began_ms < table.created_at_ms.saturating_sub(BIRTH_MS)
}
