//! What is not served, said clearly: operations of the spec that are not offered, paths that do not exist.

use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;

use super::respond;
use crate::error::Error;

pub async fn scan_planning() -> Error {
    Error::Unsupported(
        "scan planning is not offered by this catalog; plan on the client (`scan-planning-mode=client`)".into(),
    )
}

pub async fn functions() -> Error {
    Error::Unsupported("functions are not offered by this catalog".into())
}

pub async fn unknown_path(uri: Uri) -> Response {
    let path = uri.path();
    let message =
        format!("no such path: {path}; the Iceberg REST API is under /catalog, the management API under /management");
    respond::body(StatusCode::NOT_FOUND, "NotFoundException", &message)
}

/// The router adds `Allow` with the methods that are served.
pub async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{method} is not served at {}; the Allow header lists what is", uri.path());
    respond::body(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowedException", &message)
}
