//! Storages: how clients reach the files of one table.

use crate::host::http;
use crate::host::secrets::Secret;
use crate::{AccessGrant, Call, Fault, Plugin, Problem, Profile, SignRequest, Touched, Want};

/// Headers as pairs of name and value.
pub type Headers = Vec<(String, String)>;

/// Gives access to a table's files, never wider than the host's scope document says.
pub trait Storage: Plugin {
    /// The kinds of profiles that it serves, such as `s3`.
    const KINDS: &'static [&'static str];

    /// Everything that is wrong with a profile, with pointers into it.
    fn check_profile(&self, profile: &Profile) -> Vec<Problem>;

    /// Keys for the place that is wanted, the leave to have requests signed, or nothing: an empty answer is no fault.
    fn vend(&self, call: &Call, want: &Want, key: Option<Key<'_>>) -> Result<AccessGrant, Fault>;

    /// The headers that make one request valid: those that [`Key::sign_request`] gives. A fault refuses it.
    fn sign(&self, call: &Call, want: &Want, request: (&SignRequest, &Touched), key: Key<'_>)
    -> Result<Headers, Fault>;
}

/// The storage's key, lent for one purpose in one call; its value is never shown.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    Host(&'a Secret),
    /// For unit tests outside the sandbox: it signs nothing.
    Test,
}

impl<'a> Key<'a> {
    pub fn lent(secret: &'a Secret) -> Self {
        Self::Host(secret)
    }

    /// The headers for the one request that the host has checked.
    pub fn sign_request(self, request: &SignRequest, found: &Touched) -> Result<Headers, Fault> {
        let Self::Host(secret) = self else { return Err(Fault::internal("no_host", "a test's key signs nothing")) };
        let SignRequest { method, uri, region } = request;
        let signed = secret.sign_aws_v4(method, uri, region, "s3", &found.headers, &found.payload_sha256);
        signed.map_err(|refusal| Fault::internal("not_signed", refusal))
    }

    /// The MAC of a message that begins with the scope document.
    pub fn mac(self, message: &[u8], key_is_base64: bool) -> Result<Vec<u8>, Fault> {
        let Self::Host(secret) = self else { return Err(Fault::internal("no_host", "a test's key computes nothing")) };
        secret.hmac_sha256(message, key_is_base64).map_err(|refusal| Fault::internal("not_computed", refusal))
    }

    /// Sends the request for keys, signed with this key by the host.
    pub fn exchange(self, url: &str, region: &str, form: &[(&str, &str)]) -> Result<http::Response, Fault> {
        let Self::Host(secret) = self else { return Err(Fault::internal("no_host", "a test's key sends nothing")) };
        let request = http::Request {
            method: "POST".to_string(),
            url: url.to_string(),
            headers: vec![("content-type".to_string(), b"application/x-www-form-urlencoded".to_vec())],
            body: form_text(form).into_bytes(),
            timeout_ms: 0,
        };
        let answer = http::send(&request, &http::Auth::AwsV4((secret, region.to_string(), "sts".to_string())));
        answer.map_err(|fault| match fault {
            http::HttpFault::Denied(why) => Fault::internal("denied", why),
            http::HttpFault::Timeout => {
                Fault::unavailable("timeout", "the token service did not answer in time", 1_000)
            }
            http::HttpFault::TooLarge => Fault::internal("too_large", "the token service's answer is too large"),
            http::HttpFault::Transport(why) => Fault::unavailable("unreachable", why, 1_000),
        })
    }
}

/// `a=1&b=2`, percent-encoded.
pub fn form_text(form: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(
            form_text(&[("Action", "AssumeRole"), ("Policy", "{\"a\":\"b c&é\"}")]),
            "Action=AssumeRole&Policy=%7B%22a%22%3A%22b%20c%26%C3%A9%22%7D"
        );
    }
}
