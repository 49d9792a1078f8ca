//! Where the metadata file of a view goes.

use uuid::Uuid;

use super::metadata::ViewMetadata;
use crate::catalog::location::Location;
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
    let extension = match view.property(COMPRESSION).map(str::to_ascii_lowercase).as_deref() {
        None | Some("none") => "metadata.json",
        Some("gzip") => "gz.metadata.json",
        Some(other) => {
            return Err(Error::BadRequest(format!("`{COMPRESSION}` is `none` or `gzip`, found `{other}`")));
        }
    };
    let version = previous.map_or(0, |previous| version_of(previous) + 1);
    directory.join(&format!("{version:05}-{file_id}.{extension}"))
}

/// The number in the name of a metadata file; -1 where the name has none, so that counting starts over as in Java.
fn version_of(file: &str) -> i64 {
    let name = file.rsplit('/').next().unwrap_or_default();
    let number = name.split_once('-').map_or("", |(number, _)| number);
    number.parse::<u32>().map_or(-1, i64::from)
}
