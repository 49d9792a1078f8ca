//! Who is calling.

use std::sync::Arc;

use crate::error::Error;

/// The one who asks, as decisions, audit records and idempotency keys see it.
#[derive(Clone, Debug)]
pub struct Caller {
    id: Arc<str>,
    request_id: Arc<str>,
}

impl Caller {
    pub fn anonymous() -> Self {
        Self { id: Arc::from("anonymous"), request_id: Arc::from("") }
    }

    /// The same, asking by a request of this id.
    pub fn by_request(self, id: &str) -> Self {
        Self { request_id: Arc::from(id), ..self }
    }

    /// Unique over all issuers; never a token.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of caller it is, as authorizers are told.
    pub const fn kind(&self) -> &'static str {
        "anonymous"
    }

    /// The id of the request that is made, which leads through all logs.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}

/// How callers prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Nobody proves anything: every request is the anonymous caller's, a token that comes along is not looked at.
    Off,
    /// Every request needs a token that a configured issuer vouches for.
    Required,
}

impl Authentication {
    /// The caller behind the `Authorization` header.
    ///
    /// While no issuer can be configured no token verifies, so `Required` refuses everybody: closed, not open.
    pub fn caller(self, authorization: Option<&str>) -> Result<Caller, Error> {
        match (self, authorization) {
            (Self::Off, _) => Ok(Caller::anonymous()),
            (Self::Required, None) => Err(Error::NotAuthorized(
                "this catalog needs authentication: send `Authorization: Bearer <token>`".into(),
            )),
            (Self::Required, Some(_)) => Err(Error::NotAuthorized(
                "the token was not accepted: no issuer that this catalog trusts has signed it".into(),
            )),
        }
    }
}
