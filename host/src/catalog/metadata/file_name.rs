//! Names of metadata files.

use uuid::Uuid;

use super::TableMetadata;
use crate::catalog::commit::check_inside;
use crate::catalog::location::Location;
use crate::error::Error;

/// How a metadata file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    None,
    Gzip,
}

impl Codec {
    /// What the property `write.metadata.compression-codec` says; 400 for anything but `none` and `gzip`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "gzip" => Ok(Self::Gzip),
            _ => Err(Error::BadRequest(format!(
                "Invalid codec name: {text}; `write.metadata.compression-codec` is `none` or `gzip`"
            ))),
        }
    }

    /// What the name of a metadata file says.
    pub fn of_file_name(name: &str) -> Self {
        if name.ends_with(".gz.metadata.json") || name.ends_with(".metadata.json.gz") { Self::Gzip } else { Self::None }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::None => ".metadata.json",
            Self::Gzip => ".gz.metadata.json",
        }
    }
}

impl TableMetadata {
    /// How the next metadata file is compressed; a codec that nobody knows was written elsewhere and means none.
    pub fn codec(&self) -> Codec {
        self.property("write.metadata.compression-codec")
            .and_then(|text| Codec::parse(text).ok())
            .unwrap_or(Codec::None)
    }

    /// Where this metadata goes: `<directory>/<%05d>-<uuid>.metadata.json`, numbered after the previous file.
    ///
    /// A registered file may name any directory; one outside the table's location is refused with 400.
    pub fn file_location(&self, previous: Option<&str>, uuid: Uuid) -> Result<Location, Error> {
        const PATH: &str = "write.metadata.path";
        let location = Location::parse(self.location())?;
        let directory = match self.property(PATH) {
            Some(path) => {
                check_inside(&location, PATH, path)?;
                Location::parse(path)?
            }
            None => location.join("metadata")?,
        };
        directory.join(&next_file_name(self.codec(), previous, uuid))
    }
}

impl TableMetadata {
    /// Those of the names that carry the number of a committed file, or a later one, and are none.
    ///
    /// Each commit takes the next number, and adds the file before it to the log. So from the oldest number in the log on,
    /// all that were committed are known. Older ones may have fallen out of the log, so they prove nothing; neither does
    /// anything where the numbers in the log do not follow each other, because another writer has a hand in it.
    pub fn never_committed<'a>(&self, current: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let files = self.metadata_log().map(|entry| entry.metadata_file.as_str()).chain([current]);
        let named: Vec<&str> = files.map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
        let Some(numbers) = named.iter().map(|name| own_number(name)).collect::<Option<Vec<u32>>>() else {
            return Vec::new();
        };
        let Some(oldest) = numbers.first().copied() else { return Vec::new() };
        if numbers.iter().zip(oldest..).any(|(number, expected)| *number != expected) {
            return Vec::new();
        }
        let is_orphan = |name: &&str| own_number(name).is_some_and(|number| number >= oldest) && !named.contains(name);
        names.filter(is_orphan).collect()
    }
}

/// The number in a name of exactly the form that this catalog gives.
fn own_number(name: &str) -> Option<u32> {
    let (number, rest) = name.split_once('-')?;
    let (uuid, extension) = rest.split_at_checked(uuid::fmt::Hyphenated::LENGTH)?;
    let is_ours = number.len() >= 5 && Uuid::try_parse(uuid).is_ok();
    let extensions = [Codec::None.extension(), Codec::Gzip.extension()];
    (is_ours && extensions.contains(&extension)).then(|| number.parse().ok()).flatten()
}

/// `<%05d>-<uuid>.metadata.json`, numbered after the previous file.
pub(in crate::catalog) fn next_file_name(codec: Codec, previous: Option<&str>, uuid: Uuid) -> String {
    let version = previous.map_or(0, |previous| file_version(previous).map_or(0, |version| version.saturating_add(1)));
    format!("{version:05}-{uuid}{}", codec.extension())
}

/// The number at the beginning of a metadata file's name; `None` when a writer named it otherwise.
fn file_version(location: &str) -> Option<u32> {
    let name = location.rsplit('/').next().unwrap_or(location);
    name.split_once('-').and_then(|(number, _)| number.parse().ok())
}
