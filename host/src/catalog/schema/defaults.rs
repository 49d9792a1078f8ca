//! Default values of columns in Iceberg's JSON single-value form.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use uuid::Uuid;

use super::{Field, Primitive, Type};
use crate::catalog::json::Text;
use crate::error::Error;

/// A default with its text: reading a double must not cost its last digit.
#[derive(Clone, Debug)]
pub struct DefaultValue {
    text: Text,
    value: Value,
}

impl PartialEq for DefaultValue {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<'de> Deserialize<'de> for DefaultValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let value = text.read().map_err(D::Error::custom)?;
        Ok(Self { text, value })
    }
}

impl Serialize for DefaultValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.read::<&RawValue>().map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Calls back for every field with a non-null initial default, nested ones included.
pub(super) fn for_each_initial(fields: &[Field], above: &str, found: &mut impl FnMut(i32, &str, &Value)) {
    for field in fields {
        let name = if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        if let Some(value) =
            field.initial_default.as_ref().map(|default| &default.value).filter(|value| !value.is_null())
        {
            found(field.id, &name, value);
        }
        nested(&field.kind, &name, found);
    }
}

fn nested(kind: &Type, above: &str, found: &mut impl FnMut(i32, &str, &Value)) {
    match kind {
        Type::Primitive(_) | Type::Variant => {}
        Type::Struct(fields) => for_each_initial(fields, above, found),
        Type::List(list) => nested(&list.element, &format!("{above}.element"), found),
        Type::Map(map) => {
            nested(&map.key, &format!("{above}.key"), found);
            nested(&map.value, &format!("{above}.value"), found);
        }
    }
}

/// The value as Java prints it in messages: strings without quotes.
pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// 400 when the default is not a value of the field's type.
pub(super) fn check(field: &Field, which: &str, default: Option<&DefaultValue>) -> Result<(), Error> {
    let Some(value) = default.map(|default| &default.value).filter(|value| !value.is_null()) else {
        return Ok(());
    };
    let fits = match &field.kind {
        Type::Primitive(primitive) => fits(primitive, value),
        // An empty struct is the one non-null default of a struct; its fields' defaults say the rest.
        Type::Struct(_) => value.as_object().is_some_and(serde_json::Map::is_empty),
        Type::Variant | Type::List(_) | Type::Map(_) => false,
    };
    if fits {
        return Ok(());
    }
    Err(Error::BadRequest(format!("Cannot parse {which} of field {} as a {} value: {value}", field.name, field.kind)))
}

fn fits(primitive: &Primitive, value: &Value) -> bool {
    let text = value.as_str();
    match primitive {
        Primitive::Boolean => value.is_boolean(),
        Primitive::Int => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Primitive::Long => value.is_i64(),
        Primitive::Float | Primitive::Double => value.is_f64(),
        Primitive::Decimal { scale, .. } => text.is_some_and(|text| is_decimal(text, *scale)),
        Primitive::Date => text.is_some_and(is_date),
        Primitive::Time => text.is_some_and(is_time),
        Primitive::Timestamp | Primitive::TimestampNs => text.is_some_and(is_timestamp),
        Primitive::TimestampTz | Primitive::TimestampTzNs => {
            let parsed = text.map(|text| time::OffsetDateTime::parse(text, &Iso8601::DEFAULT));
            parsed.is_some_and(|parsed| parsed.is_ok_and(|parsed| parsed.offset().is_utc()))
        }
        Primitive::String => text.is_some(),
        Primitive::Uuid => text.is_some_and(|text| Uuid::try_parse(text).is_ok()),
        Primitive::Fixed(length) => text.is_some_and(|text| is_hex(text) && text.len() == 2 * *length as usize),
        Primitive::Binary => text.is_some_and(is_hex),
        Primitive::Unknown | Primitive::Geometry { .. } | Primitive::Geography { .. } => false,
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An unscaled or scientific decimal (`14.20`, `1.42E+20`); a negative scale is written in scientific form.
fn is_decimal(text: &str, scale: u32) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.contains(['e', 'E']) {
        return unsigned.parse::<f64>().is_ok_and(f64::is_finite);
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !whole.is_empty() && digits(whole) && digits(fraction) && fraction.len() == scale as usize
}

fn is_date(text: &str) -> bool {
    time::Date::parse(text, format_description!("[year]-[month]-[day]")).is_ok()
}

fn is_time(text: &str) -> bool {
    time::Time::parse(text, &Iso8601::DEFAULT).is_ok()
}

fn is_timestamp(text: &str) -> bool {
    time::PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).is_ok()
        && time::OffsetDateTime::parse(text, &Iso8601::DEFAULT).is_err()
}
