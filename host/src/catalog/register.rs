//! Metadata files that another catalog wrote.

use super::location::Location;
use super::metadata::TableMetadata;
use crate::error::Error;

/// A file that may become a table here: understood, at a location that has one form. Its bytes stay as they are.
#[derive(Debug)]
pub struct Registered {
    pub metadata: TableMetadata,
    pub location: Location,
}

/// Reads and validates an uncompressed metadata file; 400 says what is wrong with it.
pub fn register(bytes: &[u8]) -> Result<Registered, Error> {
    let metadata = TableMetadata::parse(bytes)?;
    metadata.check_consistency()?;
    let location = Location::parse(metadata.location())?;
    Ok(Registered { metadata, location })
}
