//! What a request names, parsed at the door: the caller, the warehouse, the namespace, the table, the body.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::edge::is_commit;
use super::json;
use super::respond::OnCommit;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ident::{Namespace, SEPARATOR, TableIdent};
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::error::Error;

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        app.caller_of(parts).await.map_err(|error| match is_commit(parts) {
            // Nothing was changed, which a commit's client must be able to see.
            true => OnCommit(error).into_response(),
            false => error.into_response(),
        })
    }
}

/// The `{prefix}` of `/catalog/v1/{prefix}/…`.
#[derive(Clone, Copy, Debug)]
pub struct InWarehouse(pub WarehouseId);

impl FromRequestParts<Arc<App>> for InWarehouse {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Error> {
        RawPath::of(parts).warehouse().map(Self)
    }
}

/// The project of the `x-project-id` header, else the default one.
pub struct InProject(pub ProjectId);

impl FromRequestParts<Arc<App>> for InProject {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Error> {
        let Some(value) = parts.headers.get("x-project-id") else { return Ok(Self(ProjectId::unnamed())) };
        let text = value.to_str().map_err(|_| Error::bad_request("the header x-project-id is not plain text"))?;
        ProjectId::parse(text).map(Self)
    }
}

/// `…/namespaces/{namespace}`. A path that can name no namespace is kept as such: engines probe such names.
#[derive(Clone, Debug)]
pub struct InNamespace {
    pub warehouse: WarehouseId,
    pub namespace: Named<Namespace>,
}

impl FromRequestParts<Arc<App>> for InNamespace {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let path = RawPath::of(parts);
        Ok(Self { warehouse: path.warehouse()?, namespace: path.namespace(app.namespace_separator())? })
    }
}

/// `…/namespaces/{namespace}/{tables|views}/{name}`.
#[derive(Clone, Debug)]
pub struct OfTable {
    pub warehouse: WarehouseId,
    pub ident: Named<TableIdent>,
}

impl FromRequestParts<Arc<App>> for OfTable {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let path = RawPath::of(parts);
        let namespace = path.namespace(app.namespace_separator())?;
        let name = decode(path.segment(NAME))?;
        let ident = match namespace {
            Named::Legal(namespace) => match TableIdent::parse(namespace.clone(), name.clone()) {
                Ok(ident) => Named::Legal(ident),
                Err(_) => Named::Impossible { shown: format!("{namespace}.{name}") },
            },
            Named::Impossible { shown } => Named::Impossible { shown: format!("{shown}.{name}") },
        };
        Ok(Self { warehouse: path.warehouse()?, ident })
    }
}

/// A name from a path: one that can exist, or one that cannot, so that nothing of that name is there.
#[derive(Clone, Debug)]
pub enum Named<T> {
    Legal(T),
    Impossible { shown: String },
}

impl<T> Named<T> {
    /// The name, or the answer for a thing that is not there.
    pub fn or_missing(self, missing: impl FnOnce(String) -> Error) -> Result<T, Error> {
        match self {
            Self::Legal(name) => Ok(name),
            Self::Impossible { shown } => Err(missing(shown)),
        }
    }
}

const PREFIX: usize = 3;
const NAMESPACE: usize = 5;
const NAME: usize = 7;

/// The path as it was sent. A namespace must be split before it is decoded: `%1F` separates parts, `%251F` does not.
struct RawPath<'a> {
    segments: Vec<&'a str>,
}

impl<'a> RawPath<'a> {
    fn of(parts: &'a Parts) -> Self {
        Self { segments: parts.uri.path().split('/').collect() }
    }

    fn segment(&self, at: usize) -> &'a str {
        self.segments.get(at).copied().unwrap_or_default()
    }

    fn warehouse(&self) -> Result<WarehouseId, Error> {
        let prefix = decode(self.segment(PREFIX))?;
        prefix.parse().map_err(|_| no_such_warehouse(&prefix))
    }

    fn namespace(&self, separator: Option<&str>) -> Result<Named<Namespace>, Error> {
        namespace_of_path(self.segment(NAMESPACE), separator)
    }
}

/// The parts of a name, split before each is decoded; 400 where one is not UTF-8 then.
pub fn decoded_parts(raw: &str, separator: Option<&str>) -> Result<Vec<String>, Error> {
    split_raw(raw, separator).into_iter().map(decode).collect()
}

/// Reads the raw path segment that names a namespace.
pub fn namespace_of_path(raw: &str, separator: Option<&str>) -> Result<Named<Namespace>, Error> {
    let parts = decoded_parts(raw, separator)?;
    let shown = parts.join(".");
    Ok(match Namespace::parse(parts) {
        Ok(namespace) => Named::Legal(namespace),
        Err(_) => Named::Impossible { shown },
    })
}

pub fn no_such_warehouse(asked: &str) -> Error {
    Error::NoSuchWarehouse(format!(
        "Warehouse does not exist: {asked}; `GET /catalog/v1/config?warehouse=<name>` answers the prefix to use"
    ))
}

/// Splits a raw segment at `%1F`, at the bare unit separator, and at the configured separator (URL-encoded).
fn split_raw<'a>(raw: &'a str, separator: Option<&str>) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut rest = raw;
    'parts: loop {
        for (at, _) in rest.char_indices() {
            let here = &rest[at..];
            let length = if here.starts_with(SEPARATOR) {
                1
            } else if here.get(..3).is_some_and(|code| code.eq_ignore_ascii_case("%1f")) {
                3
            } else if let Some(own) = separator.filter(|own| starts_with_ignoring_case(here, own)) {
                own.len()
            } else {
                continue;
            };
            parts.push(&rest[..at]);
            rest = &here[length..];
            continue 'parts;
        }
        parts.push(rest);
        return parts;
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Form-urlencoded, as Java writes it: `+` is a space, a plus is `%2B`.
fn decode(raw: &str) -> Result<String, Error> {
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::BadRequest(format!("the path segment `{raw}` is not UTF-8 once it is decoded")))
}

/// Splits a decoded `parent` query parameter at the unit separator, at the configured one.
pub fn namespace_of_query(text: &str, separator: Option<&str>) -> Result<Namespace, Error> {
    // The separator is configured URL-encoded, what stands in a query is decoded by now.
    let own = separator.map(decode).transpose()?.filter(|own| !own.is_empty());
    let parts = text.split(SEPARATOR).flat_map(|part| match &own {
        Some(own) => part.split(own.as_str()).collect(),
        None => vec![part],
    });
    Namespace::parse(parts.map(str::to_owned).collect())
}

/// The body's bytes; too many of them, or bytes in an encoding, are refused.
pub struct RawBody(pub Bytes);

impl FromRequest<Arc<App>> for RawBody {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        if let Some(encoding) = request.headers().get(CONTENT_ENCODING).filter(|value| *value != "identity") {
            return Err(Error::UnsupportedMediaType(format!(
                "a body with Content-Encoding {encoding:?} is not read; send it as it is"
            )));
        }
        Bytes::from_request(request, app).await.map(Self).map_err(|rejection| {
            if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Error::PayloadTooLarge(format!(
                    "the body is larger than the {} bytes that [server] body_bytes_max allows",
                    app.config.server.body_bytes_max
                ))
            } else {
                Error::BadRequest(format!("the body could not be read: {rejection}"))
            }
        })
    }
}

/// A JSON body of a known type.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Error> {
        let RawBody(body) = RawBody::from_request(request, app).await?;
        json::parse(&body).map(Self)
    }
}

/// Query parameters of a known type; a key that comes twice or does not parse is 400.
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for QueryOf<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Error> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|problem| Error::BadRequest(format!("the query is not as expected: {}", problem.body_text())))
    }
}

/// A yes or no in a query, in any case: PyIceberg writes `True`.
pub fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(serde::de::Error::custom(format_args!("`{text}` is neither `true` nor `false`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_split_before_it_is_decoded() {
        assert_eq!(split_raw("a%1Fb%1fc", None), ["a", "b", "c"]);
        assert_eq!(split_raw("a%251Fb", None), ["a%251Fb"]);
        assert_eq!(split_raw("a%2Eb.c", Some("%2E")), ["a", "b.c"]);
        assert_eq!(split_raw("a.b%1Fc", Some(".")), ["a", "b", "c"]);
        assert_eq!(split_raw("%1F", None), ["", ""]);
        assert_eq!(split_raw("é%1Fö", None), ["é", "ö"]);
    }

    #[test]
    fn a_parent_is_split_at_the_separator_that_clients_were_told() {
        let parts = |text, separator| namespace_of_query(text, separator).unwrap().parts().to_vec();
        assert_eq!(parts("a\u{1f}b.c", None), ["a", "b.c"]);
        assert_eq!(parts("a\u{1f}b.c", Some("%2E")), ["a", "b", "c"]);
        assert_eq!(parts("a.b", Some(".")), ["a", "b"]);
    }

    #[test]
    fn a_plus_is_a_space_and_an_encoded_plus_is_a_plus() {
        assert_eq!(decode("a+b").unwrap(), "a b");
        assert_eq!(decode("a%2Bb").unwrap(), "a+b");
        assert_eq!(decode("a%20b").unwrap(), "a b");
        assert!(decode("%ff").is_err());
    }
}
