//! A small HTTP client whose failures say what was asked, what was answered.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// Clients ask which TLS they may use even where they never use it.
pub fn choose_tls() {
    // An error says that somebody chose already, which is as good.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
}

/// A client of one address.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Http {
    pub fn new(base: &str) -> Self {
        choose_tls();
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a plain client");
        Self { client, base: base.to_owned(), token: None }
    }

    /// The same connections, another address below.
    pub fn under(&self, path: &str) -> Self {
        Self { base: format!("{}{path}", self.base), ..self.clone() }
    }

    /// The same, with a bearer token in each request.
    pub fn bearing(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// `path` is appended as it is, so a test decides every byte of it.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method.clone(), &url);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Ask { asked: format!("{method} {url}"), request }
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    pub fn head(&self, path: &str) -> Ask {
        self.ask(Method::HEAD, path)
    }

    pub fn delete(&self, path: &str) -> Ask {
        self.ask(Method::DELETE, path)
    }

    pub fn post(&self, path: &str, body: Value) -> Ask {
        self.ask(Method::POST, path).json(&body)
    }
}

/// A request that is not sent yet.
#[must_use = "a request has to be sent"]
pub struct Ask {
    asked: String,
    request: RequestBuilder,
}

impl Ask {
    pub fn json(self, body: &Value) -> Self {
        Self { asked: format!("{} with {body}", self.asked), request: self.request.json(body) }
    }

    /// A body as it is, said to be JSON.
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/json", body.into())
    }

    /// The fields of a form, encoded.
    pub fn form(self, fields: String) -> Self {
        self.body("application/x-www-form-urlencoded", fields.into_bytes())
    }

    fn body(self, content_type: &str, bytes: Vec<u8>) -> Self {
        let request = self.request.header("content-type", content_type).body(bytes);
        Self { asked: format!("{} with raw bytes", self.asked), request }
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self::header_bytes(self, name, value.as_bytes())
    }

    pub fn header_bytes(self, name: &str, value: &[u8]) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        let value = HeaderValue::from_bytes(value).expect("a header value");
        Self { asked: format!("{}, {name}: {value:?}", self.asked), request: self.request.header(name, value) }
    }

    pub async fn send(self) -> Answer {
        let asked = self.asked.clone();
        self.try_send().await.unwrap_or_else(|| panic!("{asked} got no answer"))
    }

    /// `None` where the connection failed before the whole answer came.
    pub async fn try_send(self) -> Option<Answer> {
        let response = self.request.send().await.ok()?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.ok()?.to_vec();
        Some(Answer { asked: self.asked, status, headers, bytes })
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} was answered {}: {}", self.asked, self.status, self.text());
        self
    }

    /// The message of an error in the spec's format, of this status, of this `type`.
    #[track_caller]
    pub fn expect_error(self, status: u16, kind: &str) -> String {
        let answer = self.expect(status);
        let error = answer.json()["error"].clone();
        let told = (error["type"].as_str(), error["code"].as_u64());
        assert_eq!(told, (Some(kind), Some(u64::from(status))), "{} was answered {error}", answer.asked);
        error["message"].as_str().unwrap_or_else(|| panic!("an error has a message: {error}")).to_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{} was answered with no JSON ({error}): {}", self.asked, self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
