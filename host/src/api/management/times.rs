//! Points in time as the management API spells them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// Milliseconds since the epoch, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-08-01T09:30:00.123Z")]
pub struct Timestamp(pub i64);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .map_err(serde::ser::Error::custom)?
            .format(&Rfc3339)
            .map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| {
            serde::de::Error::custom(format!("`{text}` is not a time: expected e.g. `2026-08-01T09:30:00Z`"))
        })?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_any_offset_and_written_in_utc() {
        let read: Timestamp = serde_json::from_str("\"2026-08-01T11:30:00.5+02:00\"").unwrap();

        assert_eq!(serde_json::to_string(&read).unwrap(), "\"2026-08-01T09:30:00.5Z\"");
    }

    #[test]
    fn what_is_not_a_time_is_refused_with_an_example() {
        let refused = serde_json::from_str::<Timestamp>("\"yesterday\"").unwrap_err();

        assert!(refused.to_string().contains("expected e.g."));
    }
}
