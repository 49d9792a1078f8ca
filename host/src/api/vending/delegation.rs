//! `X-Iceberg-Access-Delegation`: which means a client can use.

use axum::http::HeaderMap;

use crate::error::Error;

/// Nothing is vended to a client that does not ask: it may have keys of its own, and its load must not wait for a token
/// service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Delegation {
    pub vended: bool,
    pub signing: bool,
}

impl Delegation {
    pub const VENDED: Self = Self { vended: true, signing: false };

    /// Unknown means are left alone: the client has others.
    pub fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let mut delegation = Self::default();
        for value in headers.get_all("x-iceberg-access-delegation") {
            let text = value.to_str().map_err(|_| {
                Error::bad_request(
                    "X-Iceberg-Access-Delegation is not plain text: expected `vended-credentials`, `remote-signing` or both",
                )
            })?;
            for means in text.split(',').map(|means| means.trim().to_ascii_lowercase()) {
                delegation.vended |= means == "vended-credentials";
                delegation.signing |= means == "remote-signing";
            }
        }
        Ok(delegation)
    }

    pub const fn is_empty(self) -> bool {
        !self.vended && !self.signing
    }
}
