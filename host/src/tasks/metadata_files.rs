//! Metadata files that nothing points to any more are deleted.

use super::Trouble;
use super::queue::{MetadataFile, payload};
use crate::app::App;
use crate::catalog::location::Location;
use crate::catalog::metadata::TableMetadata;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{Tabular, TabularKind, Task};

/// Deletes the file if it lies below the warehouse's root, unless a table or view there refers to it.
///
/// The check is made now, not when the work was ordered: a register may have brought an old file back to life.
pub async fn work(app: &App, task: &Task) -> Result<Writer, Trouble> {
    let asked: MetadataFile = payload(&task.payload)?;
    let file = Location::parse(&asked.file).map_err(|error| Trouble::Never(error.to_string()))?;
    let id = task.warehouse_id.ok_or_else(|| Trouble::Never("the task names no warehouse".into()))?;
    let warehouse = app.store.warehouse(id).await?.filter(|row| row.root.contains(&file) && row.root != file);
    if warehouse.is_none() {
        return Err(Trouble::Never(format!("`{file}` does not lie below the root of its warehouse, so it is kept")));
    }
    let holder = app.store.tabular_overlapping(id, &file).await?;
    let referred = match &holder {
        Some(tabular) => references(app, tabular).await?,
        None => Vec::new(),
    };
    if !referred.contains(&file) {
        app.files_of(id, &file).await?.delete(&file).await?;
    }
    Ok(app.store.begin(&Permit::operator(&task.queue)).await?)
}

/// Every metadata file that the current metadata refers to, itself included.
async fn references(app: &App, tabular: &Tabular) -> Result<Vec<Location>> {
    let mut files: Vec<Location> = Location::parse(&tabular.metadata_location).into_iter().collect();
    if tabular.kind == TabularKind::Table {
        let document = app.store.document(tabular.id, tabular.version, &tabular.metadata_location).await?;
        let document = document.ok_or_else(|| Error::unavailable("the table has just changed"))?;
        let metadata = TableMetadata::parse(&document.all.unpack()?)?;
        files.extend(metadata.metadata_log().filter_map(|entry| Location::parse(&entry.metadata_file).ok()));
    }
    Ok(files)
}
