//! Spans of time as the management API spells them: ISO 8601, of days or less.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

const UNITS_MS: [(char, i64); 5] =
    [('W', 7 * 86_400_000), ('D', 86_400_000), ('H', 3_600_000), ('M', 60_000), ('S', 1_000)];

/// Milliseconds, written as e.g. `P90D` or `PT1H30M45.5S`. Years and months are refused: nobody knows how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, example = "P90D")]
pub struct Span(pub i64);

impl Span {
    /// A thousand years, so that sums of times stay in their bounds.
    const MS_MAX: i64 = 365_000 * 86_400_000;

    /// Days and whole parts of a day, as short as it goes.
    pub fn text(self) -> String {
        let (days, rest) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (hours, minutes, seconds, ms) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
        let mut text = String::from("P");
        let mut put = |part: String, wanted: bool| {
            if wanted {
                text.push_str(&part)
            }
        };
        put(format!("{days}D"), days > 0);
        put("T".to_owned(), rest > 0 || days == 0);
        put(format!("{hours}H"), hours > 0);
        put(format!("{minutes}M"), minutes > 0);
        let fraction = if ms > 0 { format!(".{ms:03}").trim_end_matches('0').to_owned() } else { String::new() };
        put(format!("{seconds}{fraction}S"), seconds > 0 || ms > 0 || self.0 == 0);
        text
    }

    /// `None` where the text is no such span.
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('P')?;
        let (days, times) = rest.split_once('T').map_or((rest, None), |(days, times)| (days, Some(times)));
        if times == Some("") || (days.is_empty() && times.is_none()) {
            return None;
        }
        let [weeks_and_days @ .., _, _, _] = &UNITS_MS;
        let [_, _, parts_of_a_day @ ..] = &UNITS_MS;
        let total = sum(days, weeks_and_days)?.checked_add(sum(times.unwrap_or_default(), parts_of_a_day)?)?;
        (total <= Self::MS_MAX).then_some(Self(total))
    }
}

/// Each unit once at the most, the largest first; only seconds have a fraction.
fn sum(mut text: &str, mut units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = (&text[..end], text[end..].chars().next()?);
        let at = units.iter().position(|(letter, _)| *letter == unit)?;
        total = total.checked_add(milliseconds(number, units[at])?)?;
        (text, units) = (&text[end + 1..], &units[at + 1..]);
    }
    Some(total)
}

fn milliseconds(number: &str, (unit, unit_ms): (char, i64)) -> Option<i64> {
    let (whole, fraction) = number.split_once(['.', ',']).map_or((number, ""), |(whole, fraction)| (whole, fraction));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_fraction = number.len() > whole.len();
    if !is_number(whole) || (has_fraction && (unit != 'S' || !is_number(fraction))) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.parse::<i64>().ok()?.checked_mul(unit_ms)?.checked_add(thousandths.parse().ok()?)
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a span of time: expected ISO 8601 with weeks, days, hours, minutes, seconds, e.g. `P90D`"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_in_all_their_parts() {
        for (text, ms) in [
            ("P90D", 90 * 86_400_000),
            ("P1W", 7 * 86_400_000),
            ("PT1H30M45.5S", 5_445_500),
            ("P1DT2H", 93_600_000),
            ("PT0S", 0),
            ("PT36H", 129_600_000),
        ] {
            assert_eq!(Span::parse(text), Some(Span(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_or_of_no_certain_length_is_refused() {
        for text in
            ["", "P", "PT", "90D", "P1M", "P1Y", "PT1.5H", "P-1D", "PT1S1M", "P1D1D", "PT1", "P1DT", "P9999999999W"]
        {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_is_written_as_it_can_be_read() {
        for (ms, text) in
            [(0, "PT0S"), (1_500, "PT1.5S"), (90 * 86_400_000, "P90D"), (93_605_000, "P1DT2H5S"), (7, "PT0.007S")]
        {
            assert_eq!(Span(ms).text(), text);
            assert_eq!(Span::parse(text), Some(Span(ms)));
        }
    }
}
