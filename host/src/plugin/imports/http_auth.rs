//! Proof of identity that the host attaches to a guest's request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use url::Url;

use super::super::bindings::base::weir::plugin::http::Auth;
use super::super::instance::State;
use super::secrets::Secret;
use super::sigv4;

/// What is to be proven, with the secret at hand.
pub(super) enum Authorization {
    None,
    Bearer(Secret),
    Basic(String, Secret),
    AwsV4 { secret: Secret, region: String, service: String },
}

/// The request that the proof is for.
pub(super) struct Target<'a> {
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    pub(super) body: &'a [u8],
    pub(super) now_ms: u64,
}

impl State {
    /// Whether the secret that is to be attached is a storage's key.
    pub(super) fn is_lent_in(&self, auth: &Auth) -> wasmtime::Result<bool> {
        match auth {
            Auth::None => Ok(false),
            Auth::Bearer(secret) | Auth::Basic((_, secret)) | Auth::AwsV4((secret, _, _)) => self.is_lent(secret),
        }
    }

    pub(super) fn authorization(&self, auth: &Auth) -> wasmtime::Result<Result<Authorization, String>> {
        Ok(Ok(match auth {
            Auth::None => Authorization::None,
            Auth::Bearer(secret) => Authorization::Bearer(self.secret(secret)?),
            Auth::Basic((user, _)) if user.contains(':') => return Ok(Err("the user name has a colon".to_owned())),
            Auth::Basic((user, secret)) => Authorization::Basic(user.clone(), self.secret(secret)?),
            Auth::AwsV4((secret, region, service)) => {
                Authorization::AwsV4 { secret: self.secret(secret)?, region: region.clone(), service: service.clone() }
            }
        }))
    }
}

impl Authorization {
    pub(super) fn attach(self, target: &Target<'_>, headers: &mut HeaderMap) -> Result<(), String> {
        if !matches!(self, Self::None) && headers.contains_key(AUTHORIZATION) {
            return Err("the header `authorization` is made by the host when it attaches a secret".to_owned());
        }
        match self {
            Self::None => Ok(()),
            Self::Bearer(secret) => {
                let line = [b"Bearer ", secret.expose().trim_ascii()].concat();
                set(headers, AUTHORIZATION, &line)
            }
            Self::Basic(user, secret) => {
                let pair = [user.as_bytes(), b":", secret.expose().trim_ascii()].concat();
                set(headers, AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)).as_bytes())
            }
            Self::AwsV4 { secret, region, service } => {
                let key = sigv4::Key::parse(&secret.expose())?;
                let payload_sha256 = sigv4::hex(&Sha256::digest(target.body));
                let signed: Vec<(String, String)> = headers
                    .iter()
                    .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                    .collect();
                let request = sigv4::Request {
                    method: target.method.as_str(),
                    uri: target.url.as_str(),
                    region: &region,
                    service: &service,
                    headers: &signed,
                    payload_sha256: &payload_sha256,
                };
                for (name, value) in sigv4::sign(&key, &request, target.now_ms)? {
                    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
                    set(headers, name, value.as_bytes())?;
                }
                Ok(())
            }
        }
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) -> Result<(), String> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| "the secret cannot be sent in a header".to_owned())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}
