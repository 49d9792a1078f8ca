//! What a partition or sort field makes of its source column.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::schema::{Primitive, Type};

/// A transform; those of later versions are kept by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    Identity,
    Year,
    Month,
    Day,
    Hour,
    Bucket(u32),
    Truncate(u32),
    Void,
    Unknown(String),
}

impl FromStr for Transform {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let lower = text.to_ascii_lowercase();
        let width = |name: &str| {
            let inner = lower.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            inner.parse::<u32>().ok().filter(|width| *width > 0 && i32::try_from(*width).is_ok())
        };
        Ok(match lower.as_str() {
            "identity" => Self::Identity,
            "year" => Self::Year,
            "month" => Self::Month,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "void" => Self::Void,
            _ => match (width("bucket"), width("truncate")) {
                (Some(buckets), _) => Self::Bucket(buckets),
                (_, Some(width)) => Self::Truncate(width),
                _ => Self::Unknown(text.to_owned()),
            },
        })
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("identity"),
            Self::Year => f.write_str("year"),
            Self::Month => f.write_str("month"),
            Self::Day => f.write_str("day"),
            Self::Hour => f.write_str("hour"),
            Self::Bucket(buckets) => write!(f, "bucket[{buckets}]"),
            Self::Truncate(width) => write!(f, "truncate[{width}]"),
            Self::Void => f.write_str("void"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

impl Transform {
    /// Whether the transform can be applied to values of the type.
    pub fn accepts(&self, kind: &Type) -> bool {
        use Primitive as P;
        let Type::Primitive(primitive) = kind else {
            return matches!(self, Self::Void);
        };
        let is_date = matches!(primitive, P::Date);
        let is_timestamp = matches!(primitive, P::Timestamp | P::TimestampTz | P::TimestampNs | P::TimestampTzNs);
        match self {
            Self::Identity => !matches!(primitive, P::Unknown | P::Geometry { .. } | P::Geography { .. }),
            Self::Year | Self::Month | Self::Day => is_date || is_timestamp,
            Self::Hour => is_timestamp,
            Self::Bucket(_) => {
                let is_text = matches!(primitive, P::String | P::Uuid | P::Fixed(_) | P::Binary);
                let is_number = matches!(primitive, P::Int | P::Long | P::Decimal { .. } | P::Time);
                is_date || is_timestamp || is_text || is_number
            }
            Self::Truncate(_) => {
                matches!(primitive, P::Int | P::Long | P::Decimal { .. } | P::String | P::Binary)
            }
            Self::Void => true,
            // A width of 0 or a broken one; other names are of later versions.
            Self::Unknown(text) => !text.starts_with("bucket") && !text.starts_with("truncate"),
        }
    }
}

impl Serialize for Transform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Transform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ok(transform) = String::deserialize(deserializer)?.parse();
        Ok(transform)
    }
}
