//! Points in time as the management API spells them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// Milliseconds since the epoch, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-08-01T09:30:00.123Z")]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// `None` where there is no such text: its years are 0 to 9999.
    fn text(self) -> Option<String> {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000).ok()?;
        at.format(&Rfc3339).ok()
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => serializer.serialize_str(&text),
            None => Err(<S::Error as serde::ser::Error>::custom("a time outside of the years 0 to 9999")),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| {
            serde::de::Error::custom(format!("`{text}` is not a time: expected e.g. `2026-08-01T09:30:00Z`"))
        })?;
        // An offset leads past the ends of what can be written; such a time would break every answer that shows it.
        let read = i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map(Self).ok();
        read.filter(|read| read.text().is_some()).ok_or_else(|| {
            <D::Error as serde::de::Error>::custom(format!("`{text}` is outside of the years 0 to 9999 in UTC"))
        })
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
    fn what_could_not_be_written_again_is_refused() {
        for text in ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"] {
            assert!(serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).is_err(), "{text}");
        }
        for text in ["\"0000-01-01T01:00:00Z\"", "\"9999-12-31T22:59:59Z\""] {
            let read: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused_with_an_example() {
        let refused = serde_json::from_str::<Timestamp>("\"yesterday\"").unwrap_err();

        assert!(refused.to_string().contains("expected e.g."));
    }
}
