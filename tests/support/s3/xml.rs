//! The XML that S3 speaks, as little of it as clients need.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;

/// An error in the words of S3.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    pub(super) fn answer(self) -> Response {
        let (code, message) = (self.code, escaped(&self.message));
        let error = format!("<Code>{code}</Code><Message>{message}</Message><RequestId>test</RequestId>");
        document(self.status, &format!("<Error>{error}</Error>"))
    }
}

pub(super) fn document(status: u16, body: &str) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/xml");
    response.body(Body::from(body)).expect("a response")
}

pub(super) fn empty(status: u16) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    Response::builder().status(status).body(Body::empty()).expect("a response")
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    text.replace("&#39;", "'").replace("&#34;", "\"").replace("&amp;", "&")
}

/// What stands inside each `<name>…</name>`.
pub(super) fn elements<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next()).collect()
}

/// The text of the first `<name>…</name>`.
pub(super) fn text_of(text: &str, name: &str) -> Option<String> {
    elements(text, name).first().map(|inner| unescaped(inner))
}
