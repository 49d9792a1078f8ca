//! The APIs' own descriptions: OpenAPI documents made from code, a page to browse them.

mod bodies;
mod operation;
mod operations;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use utoipa::OpenApi;

use super::management::openapi::ManagementApi;
use crate::app::App;
use crate::error::Error;

const PAGE: &str = include_str!("openapi/page.html");
/// The page needs nothing from anywhere else, so it gets nothing.
const OWN_ONLY: (HeaderName, &str) = (
    CONTENT_SECURITY_POLICY,
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
);

static CATALOG: LazyLock<Result<String, serde_json::Error>> = LazyLock::new(|| operations::document().to_pretty_json());
static MANAGEMENT: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(|| ManagementApi::openapi().to_pretty_json());

/// The Iceberg REST API as it is served.
pub fn catalog() -> Result<&'static str, Error> {
    text(&CATALOG)
}

/// The management API as it is served.
pub fn management() -> Result<&'static str, Error> {
    text(&MANAGEMENT)
}

fn text(document: &'static Result<String, serde_json::Error>) -> Result<&'static str, Error> {
    document.as_deref().map_err(|error| Error::internal(anyhow::anyhow!("the OpenAPI document: {error}")))
}

/// The routes, which ask nobody for permission: the documents are the same for everybody.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/api-docs")))
        .route("/api-docs", get(async || ([(CONTENT_TYPE, "text/html; charset=utf-8"), OWN_ONLY], PAGE)))
        .route("/api-docs/catalog/openapi.json", get(async || catalog().map(json)))
        .route("/api-docs/management/openapi.json", get(async || management().map(json)))
}

fn json(document: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::{catalog, management};

    fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn whatever_a_document_points_at_is_in_it() {
        for text in [catalog().unwrap(), management().unwrap()] {
            let document: Value = serde_json::from_str(text).unwrap();
            let mut found = BTreeSet::new();
            references(&document, &mut found);
            assert!(!found.is_empty(), "the documents name their bodies");
            for reference in found {
                let pointer = reference.strip_prefix('#').unwrap_or_default();
                assert!(document.pointer(pointer).is_some_and(|_| !pointer.is_empty()), "{reference} leads nowhere");
            }
        }
    }
}
