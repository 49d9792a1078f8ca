//! Metadata files that nothing points to any more are deleted.

use super::Trouble;
use super::queue::{MetadataFiles, payload};
use crate::app::App;
use crate::catalog::location::Location;
use crate::error::Result;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Tabular, TabularKind, Task};

/// Deletes those of the files that lie inside the table's location, and that no table or view there refers to.
///
/// The check is made now, not when the work was ordered: a register may have brought an old file back to life.
pub async fn work(app: &App, task: &Task) -> Result<Writer, Trouble> {
    let asked: MetadataFiles = payload(&task.payload)?;
    let warehouse = task.warehouse_id.ok_or_else(|| Trouble::Never("the task names no warehouse".into()))?;
    let location = Location::parse(&asked.location).map_err(|error| Trouble::Never(error.to_string()))?;
    let holder = app.store.tabular_overlapping(warehouse, &location).await?;
    let referred = match &holder {
        Some(tabular) => references(app, tabular).await?,
        None => Vec::new(),
    };
    for file in &asked.files {
        let Ok(file) = Location::parse(file) else { continue };
        let owned = location.contains(&file) && file != location;
        if owned && !referred.contains(&file) {
            app.files.delete(&file).await?;
        }
    }
    Ok(app.store.begin(&Permit::operator(&task.queue)).await?)
}

/// Every metadata file that the current metadata refers to, itself included.
async fn references(app: &App, tabular: &Tabular) -> Result<Vec<Location>> {
    let mut files: Vec<Location> = Location::parse(&tabular.metadata_location).into_iter().collect();
    if tabular.kind == TabularKind::Table {
        let document = app.store.document(tabular.id, tabular.version).await?;
        let document = document.ok_or_else(|| crate::error::Error::unavailable("the table has just changed"))?;
        let metadata = crate::catalog::metadata::TableMetadata::parse(&document.all.unpack()?)?;
        files.extend(metadata.metadata_log().filter_map(|entry| Location::parse(&entry.metadata_file).ok()));
    }
    Ok(files)
}
