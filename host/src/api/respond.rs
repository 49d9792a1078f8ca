//! How errors leave: the only place that knows which status an error has.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;

/// An error of an operation that may have changed something: Java takes 500, 502, 503 and 504 on a commit for an
/// unknown outcome and keeps its files, so whatever certainly changed nothing is answered with 429 instead.
pub struct OnCommit(pub Error);

impl From<Error> for OnCommit {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for OnCommit {
    fn into_response(self) -> Response {
        match self.0 {
            Error::Unavailable { message, retry_after_s } => {
                later(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", &message, retry_after_s)
            }
            Error::RequestTimeout(message) => {
                later(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", &message, 1)
            }
            Error::Internal(source) => {
                tracing::error!(error = format!("{source:#}"), "a commit failed before anything was changed");
                later(
                    StatusCode::TOO_MANY_REQUESTS,
                    "TooManyRequestsException",
                    "the commit was not applied because of an internal error; the request id leads to it in the log",
                    5,
                )
            }
            error => error.into_response(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Unavailable { message, retry_after_s } => {
                later(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", &message, retry_after_s)
            }
            Self::NotAuthorized(message) => {
                let mut response = body(StatusCode::UNAUTHORIZED, "NotAuthorizedException", &message);
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
            Self::Internal(source) => {
                tracing::error!(error = format!("{source:#}"), "a request failed");
                body(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalServerError",
                    "something went wrong on the server; the request id leads to it in the log",
                )
            }
            error => {
                let (status, kind) = class(&error);
                body(status, kind, &error.to_string())
            }
        }
    }
}

/// The status and `error.type` of an error that needs no header of its own.
pub fn class(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequestException"),
        Error::NotAuthorized(_) => (StatusCode::UNAUTHORIZED, "NotAuthorizedException"),
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "ForbiddenException"),
        Error::NoSuchWarehouse(_) => (StatusCode::NOT_FOUND, "NoSuchWarehouseException"),
        Error::NoSuchNamespace(_) => (StatusCode::NOT_FOUND, "NoSuchNamespaceException"),
        Error::NoSuchTable(_) => (StatusCode::NOT_FOUND, "NoSuchTableException"),
        Error::NoSuchView(_) => (StatusCode::NOT_FOUND, "NoSuchViewException"),
        Error::NotFound(_) => (StatusCode::NOT_FOUND, "NotFoundException"),
        Error::AlreadyExists(_) => (StatusCode::CONFLICT, "AlreadyExistsException"),
        Error::NamespaceNotEmpty(_) => (StatusCode::CONFLICT, "NamespaceNotEmptyException"),
        Error::Conflict(_) => (StatusCode::CONFLICT, "ConflictException"),
        Error::AlreadyBootstrapped(_) => (StatusCode::BAD_REQUEST, "CatalogAlreadyBootstrapped"),
        Error::CommitFailed(_) => (StatusCode::CONFLICT, "CommitFailedException"),
        Error::CommitStateUnknown(_) => (StatusCode::INTERNAL_SERVER_ERROR, "CommitStateUnknownException"),
        Error::ContractViolation(_) => (StatusCode::BAD_REQUEST, "ContractViolationException"),
        Error::UnprocessableEntity(_) => (StatusCode::UNPROCESSABLE_ENTITY, "UnprocessableEntityException"),
        Error::Unsupported(_) => (StatusCode::NOT_ACCEPTABLE, "UnsupportedOperationException"),
        Error::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException"),
        Error::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException"),
        Error::RequestTimeout(_) => (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException"),
        Error::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn later(status: StatusCode, kind: &str, message: &str, retry_after_s: u32) -> Response {
    let mut response = body(status, kind, message);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

/// The error body of the Iceberg REST spec.
pub fn body(status: StatusCode, kind: &str, message: &str) -> Response {
    let model = json!({ "error": { "message": message, "type": kind, "code": status.as_u16() } });
    let mut response = (status, Json(model)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
