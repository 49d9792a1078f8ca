//! Where a table's files may lie: every URI that a request brings in is inside the table's location.

use super::draft::Draft;
use crate::catalog::location::Location;
use crate::error::Error;

/// Properties that say where files go.
pub(in crate::catalog) const PROPERTIES: [&str; 4] =
    ["write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path"];

impl Draft<'_> {
    pub fn set_location(&mut self, location: &str) -> Result<(), Error> {
        let location = Location::parse(location)?;
        let is_same = Location::parse(&self.state.location).is_ok_and(|current| current == location);
        if is_same {
            return Ok(());
        }
        let has_snapshots = self.base.is_some_and(|base| !base.snapshots.is_empty());
        if has_snapshots && !self.is_replace {
            return Err(Error::BadRequest(format!(
                "Cannot set location to {location}: the table has snapshots in {}; replace the table or create another",
                self.state.location
            )));
        }
        self.state.location = location.as_str().to_owned();
        self.changed = true;
        Ok(())
    }

    /// 400 naming the field whose URI lies outside the location that the table has in the end.
    pub(super) fn check_paths(&self) -> Result<(), Error> {
        let moved = self.base.is_none_or(|base| base.location != self.state.location);
        if self.introduced.is_empty() && !moved {
            return Ok(());
        }
        let location = Location::parse(&self.state.location)?;
        for (field, uri) in &self.introduced {
            check_inside(&location, field, uri)?;
        }
        // A path that was inside the old location need not be inside the new one.
        for key in PROPERTIES.iter().filter(|_| moved) {
            if let Some(uri) = self.state.properties.get(*key) {
                check_inside(&location, key, uri)?;
            }
        }
        Ok(())
    }
}

/// 400 unless `uri` is canonical and lies in `location`.
pub(in crate::catalog) fn check_inside(location: &Location, field: &str, uri: &str) -> Result<(), Error> {
    let found = Location::parse(uri).map_err(|error| Error::BadRequest(format!("{field}: {error}")))?;
    if location.contains(&found) {
        return Ok(());
    }
    Err(Error::BadRequest(format!("{field} must lie inside the table's location {location}, found {uri}")))
}
