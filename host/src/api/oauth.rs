//! The token endpoint that the Iceberg specification deprecates: client credentials against the catalog's own key.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderValue, PRAGMA, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::app::App;
use crate::auth::{Grant, secret_digest};
use crate::config::{LocalClient, LocalIssuer};
use crate::error::Error;

const CLIENT_CREDENTIALS: &str = "client_credentials";
/// Neither an id nor a secret is longer.
const CREDENTIAL_BYTES_MAX: usize = 512;

/// Why no token is given, in the words of RFC 6749.
enum Refusal {
    InvalidRequest(&'static str),
    InvalidClient,
    UnsupportedGrantType,
}

/// Issues a token for a client of `[auth.local.clients]`.
pub async fn tokens(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    let section = app.config.auth.local.as_ref().filter(|section| section.token_endpoint);
    let (Some(section), Some(key)) = (section, app.authentication.local_key()) else {
        return Error::Unsupported(
            "this catalog issues no tokens; get one from your identity provider and send it as a bearer token".into(),
        )
        .into_response();
    };
    let (id, client) = match client(section, &headers, &body) {
        Ok(found) => found,
        Err(refusal) => return refusal.into_response(),
    };
    let grant = Grant {
        issuer: &section.issuer,
        subject: &id,
        roles: &client.roles,
        lifetime_s: section.lifetime_s,
        is_client: true,
    };
    match key.token(&grant, app.clock.now_ms()) {
        Ok(token) => told(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "bearer",
                "expires_in": section.lifetime_s,
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            }),
        ),
        Err(error) => Error::internal(error).into_response(),
    }
}

/// The client that proves itself: by the body, or by basic authentication.
fn client<'a>(
    section: &'a LocalIssuer,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(String, &'a LocalClient), Refusal> {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| -> Result<Option<String>, Refusal> {
        let mut values = form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::InvalidRequest("a parameter comes twice")),
        }
    };
    match field("grant_type")?.as_deref() {
        Some(CLIENT_CREDENTIALS) => {}
        Some(_) => return Err(Refusal::UnsupportedGrantType),
        None => return Err(Refusal::InvalidRequest("`grant_type` is missing: send a form with `client_credentials`")),
    }
    let (id, secret) = match basic(headers) {
        Some(pair) => pair,
        None => (field("client_id")?.unwrap_or_default(), field("client_secret")?.unwrap_or_default()),
    };
    if id.is_empty() || id.len() > CREDENTIAL_BYTES_MAX || secret.len() > CREDENTIAL_BYTES_MAX {
        return Err(Refusal::InvalidClient);
    }
    // The same work for clients that are there and for those that are not. What is compared are digests of random
    // secrets, so how long it takes tells nothing that helps to guess one.
    let digest = secret_digest(&secret);
    let client = section.clients.get(&id).filter(|client| client.secret_sha256 == digest);
    client.map(|client| (id, client)).ok_or(Refusal::InvalidClient)
}

/// RFC 6749, 2.3.1: both parts are form-encoded before they are put together.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = plain.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((decoded(id), decoded(secret)))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, description) = match self {
            Self::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::UnsupportedGrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "only `client_credentials` is served")
            }
            Self::InvalidClient => {
                (StatusCode::UNAUTHORIZED, "invalid_client", "no client has this id with this secret")
            }
        };
        tracing::info!(target: "weir::auth", error, "the token endpoint refused a client");
        let mut response = told(status, &json!({ "error": error, "error_description": description }));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"weir\""));
        }
        response
    }
}

fn told(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
