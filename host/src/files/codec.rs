//! The encoding of a metadata file, told by its name as in Java.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::error::FileError;
use crate::catalog::location::Location;

/// How the JSON of a metadata file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    Plain,
    Gzip,
}

impl Codec {
    /// `….gz.metadata.json` is gzip, and so is the older `….metadata.json.gz`.
    pub fn of(location: &Location) -> Self {
        let name = location.name();
        match name.ends_with(".gz.metadata.json") || name.ends_with(".metadata.json.gz") {
            true => Self::Gzip,
            false => Self::Plain,
        }
    }

    pub(super) fn encode(self, json: &[u8], location: &Location) -> Result<Vec<u8>, FileError> {
        match self {
            Self::Plain => Ok(json.to_vec()),
            Self::Gzip => gzip(json).map_err(|error| FileError::failed(location, error)),
        }
    }

    /// The plain bytes; never more than `bytes_max`, so that a small file cannot unpack into all of the memory.
    pub(super) fn decode(self, stored: Vec<u8>, location: &Location, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        if self == Self::Plain {
            return Ok(stored);
        }
        let mut plain = Vec::new();
        let unpacked = MultiGzDecoder::new(stored.as_slice()).take(bytes_max.saturating_add(1)).read_to_end(&mut plain);
        match unpacked {
            Ok(length) if length as u64 > bytes_max => {
                Err(FileError::TooLarge { location: location.clone(), bytes_max })
            }
            Ok(_) => Ok(plain),
            Err(error) => Err(FileError::Corrupt {
                location: location.clone(),
                reason: format!("its name says gzip, but it does not unpack: {error}"),
            }),
        }
    }
}

fn gzip(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(json.len() / 8), Compression::new(6));
    encoder.write_all(json)?;
    encoder.finish()
}
