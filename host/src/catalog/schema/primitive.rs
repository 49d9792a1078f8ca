//! The primitive types of Iceberg, v1 to v3.

use std::fmt;

use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primitive {
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Decimal { precision: u32, scale: u32 },
    Date,
    Time,
    Timestamp,
    TimestampTz,
    TimestampNs,
    TimestampTzNs,
    String,
    Uuid,
    Fixed(u32),
    Binary,
    Unknown,
    Geometry { crs: Option<String> },
    Geography { crs: Option<String>, algorithm: Option<String> },
}

const DECIMAL_PRECISION_MAX: u32 = 38;
const CRS_DEFAULT: &str = "OGC:CRS84";
const ALGORITHMS: [&str; 5] = ["spherical", "vincenty", "thomas", "andoyer", "karney"];

impl Primitive {
    /// Reads e.g. `long`, `decimal(9, 2)`, `fixed[16]`, `geometry(srid:4326)`; letter case does not matter.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.as_str() {
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "timestamptz" => Self::TimestampTz,
            "timestamp_ns" => Self::TimestampNs,
            "timestamptz_ns" => Self::TimestampTzNs,
            "string" => Self::String,
            "uuid" => Self::Uuid,
            "binary" => Self::Binary,
            "unknown" => Self::Unknown,
            _ => return Self::parse_with_parameters(text, &lower),
        })
    }

    fn parse_with_parameters(text: &str, lower: &str) -> Result<Self, Error> {
        let unknown = || Error::BadRequest(format!("Cannot parse type string to primitive: {text}"));
        if let Some(length) = lower.strip_prefix("fixed[").and_then(|rest| rest.strip_suffix(']')) {
            return length.trim().parse().map(Self::Fixed).map_err(|_| unknown());
        }
        if let Some(inner) = lower.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')) {
            let (precision, scale) = inner.split_once(',').ok_or_else(unknown)?;
            return decimal(parse_number(precision).ok_or_else(unknown)?, parse_number(scale).ok_or_else(unknown)?);
        }
        let (name, inner) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or_else(unknown)?)),
            None => (text, None),
        };
        if inner.is_some_and(|inner| inner.split(',').next().is_none_or(|crs| crs.trim().is_empty())) {
            return Err(Error::bad_request("Invalid CRS: (empty string)"));
        }
        // The default is spelt by leaving it out.
        let part = |text: &str| {
            Some(text.trim().to_owned()).filter(|text| !text.is_empty() && !text.eq_ignore_ascii_case(CRS_DEFAULT))
        };
        match name.trim_end().to_ascii_lowercase().as_str() {
            "geometry" => Ok(Self::Geometry { crs: inner.and_then(part) }),
            "geography" => {
                let (crs, algorithm) = match inner.map(|inner| inner.split_once(',').unwrap_or((inner, ""))) {
                    Some((crs, algorithm)) => (part(crs), part(algorithm).map(|name| name.to_ascii_lowercase())),
                    None => (None, None),
                };
                if let Some(name) = algorithm.as_deref().filter(|name| !ALGORITHMS.contains(name)) {
                    return Err(Error::BadRequest(format!("Invalid edge interpolation algorithm: {name}")));
                }
                Ok(Self::Geography { crs, algorithm })
            }
            _ => Err(unknown()),
        }
    }
}

fn parse_number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn decimal(precision: u32, scale: u32) -> Result<Primitive, Error> {
    if precision > DECIMAL_PRECISION_MAX {
        return Err(Error::BadRequest(format!(
            "Decimals with precision larger than {DECIMAL_PRECISION_MAX} are not supported: {precision}"
        )));
    }
    Ok(Primitive::Decimal { precision, scale })
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Int => f.write_str("int"),
            Self::Long => f.write_str("long"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision}, {scale})"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampTz => f.write_str("timestamptz"),
            Self::TimestampNs => f.write_str("timestamp_ns"),
            Self::TimestampTzNs => f.write_str("timestamptz_ns"),
            Self::String => f.write_str("string"),
            Self::Uuid => f.write_str("uuid"),
            Self::Fixed(length) => write!(f, "fixed[{length}]"),
            Self::Binary => f.write_str("binary"),
            Self::Unknown => f.write_str("unknown"),
            Self::Geometry { crs: None } => f.write_str("geometry"),
            Self::Geometry { crs: Some(crs) } => write!(f, "geometry({crs})"),
            Self::Geography { crs: None, algorithm: None } => f.write_str("geography"),
            Self::Geography { crs: Some(crs), algorithm: None } => write!(f, "geography({crs})"),
            Self::Geography { crs, algorithm: Some(algorithm) } => {
                write!(f, "geography({}, {algorithm})", crs.as_deref().unwrap_or(CRS_DEFAULT))
            }
        }
    }
}
