//! The whole catalog as one archive that either engine writes, either engine reads.
//!
//! Gzip over lines of JSON: a header, one array `["table", column, …]` for each row in a stable order, a trailer with
//! the SHA-256 over the lines of the rows. The same catalog gives the same digest on both engines.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::migrations::hex;
use crate::error::{Error, Result};

/// The first line. A reader takes only archives of its own schema; migrating is the ledger's business.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) weir_archive: u32,
    pub(super) schema: i64,
    pub(super) weir: String,
}

pub(super) const ARCHIVE_VERSION: u32 = 1;

/// The last line; an archive without it was cut off.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    pub(super) rows: u64,
    pub(super) sha256: String,
}

/// What an export or import has carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub rows: u64,
    /// Over the content: equal archives, equal catalogs.
    pub sha256: String,
}

/// Counts rows, digests their lines.
#[derive(Default)]
pub(super) struct Tally {
    rows: u64,
    digest: Sha256,
}

impl Tally {
    pub(super) fn add(&mut self, line: &str) {
        self.rows += 1;
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn carried(self) -> Carried {
        Carried { rows: self.rows, sha256: hex(&self.digest.finalize()) }
    }
}

/// What a column holds, the same on both engines.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Integer,
    Small,
    Real,
    Truth,
    Id,
    Bytes,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(Option<String>),
    Integer(Option<i64>),
    Small(Option<i32>),
    Real(Option<f64>),
    Truth(Option<bool>),
    Id(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
}

impl Cell {
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Text(value) => value.as_deref().into(),
            Self::Integer(value) => (*value).into(),
            Self::Small(value) => (*value).into(),
            // As text, because a JSON number need not come back as the same bits.
            Self::Real(value) => value.map(|value| format!("{value:?}")).into(),
            Self::Truth(value) => (*value).into(),
            Self::Id(value) => value.map(|value| value.to_string()).into(),
            Self::Bytes(value) => value.as_ref().map(|value| BASE64_STANDARD.encode(value)).into(),
        }
    }

    /// [`Error::BadRequest`] where the archive holds something else than the column does.
    pub(super) fn from_json(kind: Kind, value: &Value) -> Result<Self> {
        let text = || value.as_str().map(str::to_owned);
        let read = match (kind, value.is_null()) {
            (Kind::Text, true) => Some(Self::Text(None)),
            (Kind::Integer, true) => Some(Self::Integer(None)),
            (Kind::Small, true) => Some(Self::Small(None)),
            (Kind::Real, true) => Some(Self::Real(None)),
            (Kind::Truth, true) => Some(Self::Truth(None)),
            (Kind::Id, true) => Some(Self::Id(None)),
            (Kind::Bytes, true) => Some(Self::Bytes(None)),
            (Kind::Text, _) => text().map(|text| Self::Text(Some(text))),
            (Kind::Integer, _) => value.as_i64().map(|number| Self::Integer(Some(number))),
            (Kind::Small, _) => {
                value.as_i64().and_then(|number| i32::try_from(number).ok()).map(|number| Self::Small(Some(number)))
            }
            (Kind::Real, _) => text().and_then(|text| text.parse().ok()).map(|number| Self::Real(Some(number))),
            (Kind::Truth, _) => value.as_bool().map(|truth| Self::Truth(Some(truth))),
            (Kind::Id, _) => text().and_then(|text| text.parse().ok()).map(|id| Self::Id(Some(id))),
            (Kind::Bytes, _) => {
                text().and_then(|text| BASE64_STANDARD.decode(text).ok()).map(|bytes| Self::Bytes(Some(bytes)))
            }
        };
        read.ok_or_else(|| Error::BadRequest(format!("the archive is damaged: `{value}` is no {kind:?}")))
    }
}
