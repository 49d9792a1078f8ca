//! Where the metadata file of a view goes.

use uuid::Uuid;

use super::metadata::ViewMetadata;
use crate::catalog::location::Location;
use crate::catalog::metadata::{Codec, next_file_name};
use crate::error::Error;

const METADATA_PATH: &str = "write.metadata.path";
const COMPRESSION: &str = "write.metadata.compression-codec";

/// The place of the next metadata file, `<dir>/<%05d>-<file_id>.metadata.json`; `previous` is the file before it.
///
/// The directory is `write.metadata.path` or `<location>/metadata`; outside the view's location it is refused with 400.
pub fn metadata_file(view: &ViewMetadata, previous: Option<&str>, file_id: Uuid) -> Result<Location, Error> {
    let location = Location::parse(view.location())?;
    let directory = match view.property(METADATA_PATH) {
        Some(path) => Location::parse(path)?,
        None => location.join("metadata")?,
    };
    if !location.contains(&directory) {
        return Err(Error::BadRequest(format!(
            "`{METADATA_PATH}` must lie inside the view's location `{location}`, found `{directory}`"
        )));
    }
    let codec = view.property(COMPRESSION).map_or(Ok(Codec::None), Codec::parse)?;
    directory.join(&next_file_name(codec, previous, file_id))
}
