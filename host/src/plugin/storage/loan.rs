//! What a storage's key may be used for in one call, with what was got by it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::exchange::Exchange;
use super::interface::{SignRequest, Touched};

/// The header that a session's token travels in.
const TOKEN: &str = "x-amz-security-token";

/// The one purpose of a lent key.
#[derive(Clone, Debug)]
pub enum KeyUse {
    /// Nothing at all; nor does a request leave the house.
    None,
    /// To be attached to a request for keys of this scope.
    Exchange(Exchange),
    /// To sign this request.
    Request(SignedRequest),
    /// To compute the MAC of a message that begins with this text, up to the end of a line.
    Message { beginning: String },
}

/// The one request that a key signs, as the host has examined it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    pub method: String,
    pub uri: String,
    pub region: String,
    pub service: String,
    pub headers: Vec<(String, String)>,
    pub payload_sha256: String,
}

impl SignedRequest {
    pub(super) fn of(request: &SignRequest, touched: &Touched) -> Self {
        Self {
            method: request.method.clone(),
            uri: request.uri.clone(),
            region: request.region.clone(),
            service: "s3".to_owned(),
            headers: touched.headers.clone(),
            payload_sha256: touched.payload_sha256.clone(),
        }
    }
}

/// A key's purpose in the call under way; it remembers what the guest got to see.
#[derive(Debug)]
pub(in crate::plugin) struct Loan {
    for_use: KeyUse,
    /// Answers of whoever gives out keys, MACs: what is secret in the guest's answer comes from here.
    got: Vec<Vec<u8>>,
    signature: Option<Vec<(String, String)>>,
}

impl Loan {
    pub(super) fn new(for_use: KeyUse) -> Self {
        Self { for_use, got: Vec::new(), signature: None }
    }

    /// The exchange that is all that may leave the house in a storage's call.
    pub(in crate::plugin) fn exchange(&self) -> Result<&Exchange, String> {
        match &self.for_use {
            KeyUse::Exchange(exchange) => Ok(exchange),
            _ => Err("in this call the storage plugin sends no requests".to_owned()),
        }
    }

    /// Whether the lent key signs this.
    pub(in crate::plugin) fn admit_signature(&self, asked: &SignedRequest) -> Result<(), String> {
        match &self.for_use {
            KeyUse::Request(request) if request == asked => Ok(()),
            KeyUse::Request(_) => Err("the key signs the one request that was checked, no other".to_owned()),
            _ => Err("in this call the key signs no request".to_owned()),
        }
    }

    /// Whether the lent key computes the MAC of this.
    pub(in crate::plugin) fn admit_message(&self, message: &[u8]) -> Result<(), String> {
        let KeyUse::Message { beginning } = &self.for_use else {
            return Err("in this call the key computes no message".to_owned());
        };
        match message.strip_prefix(beginning.as_bytes()) {
            Some([] | [b'\n', ..]) if !beginning.is_empty() => Ok(()),
            _ => Err("the message does not begin with the scope that the host wrote".to_owned()),
        }
    }

    pub(in crate::plugin) fn note_answer(&mut self, body: &[u8]) {
        self.got.push(body.to_vec());
    }

    pub(in crate::plugin) fn note_mac(&mut self, mac: &[u8]) {
        let text = STANDARD.encode(mac);
        self.got.push(utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string().into_bytes());
        self.got.push(text.into_bytes());
    }

    /// Gives what of the signature the guest sees: all but the token of a session, which goes past it to the client.
    pub(in crate::plugin) fn note_signature(&mut self, headers: Vec<(String, String)>) -> Vec<(String, String)> {
        let shown = without_token(&headers);
        self.signature = Some(headers);
        shown
    }

    /// From then on the guest writes no log, keeps nothing in the cache.
    pub(in crate::plugin) fn has_seen_keys(&self) -> bool {
        !self.got.is_empty()
    }

    /// The whole value stands in an answer that was got in this call.
    pub(super) fn has_got(&self, value: &str) -> bool {
        let value = value.as_bytes();
        let stands_in = |body: &Vec<u8>| body.windows(value.len()).any(|window| window == value);
        value.len() >= 8 && self.got.iter().any(stands_in)
    }

    /// One of the MACs of this call stands in the value.
    pub(super) fn made(&self, value: &str) -> bool {
        self.got.iter().any(|mac| value.as_bytes().windows(mac.len().max(1)).any(|window| window == mac))
    }

    pub(super) fn signature(&self) -> Option<&[(String, String)]> {
        self.signature.as_deref()
    }
}

pub(super) fn without_token(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers.iter().filter(|(name, _)| name != TOKEN).cloned().collect()
}
