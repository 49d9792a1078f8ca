//! Why a token is not accepted: for the log, never for whoever sent it.

use crate::error::Error;

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The token proves nothing here.
    Denied(String),
    /// Whoever could tell does not answer; nobody is let in for that.
    Unavailable(String),
}

impl Refusal {
    pub fn denied(why: impl Into<String>) -> Self {
        Self::Denied(why.into())
    }

    /// The answer, which tells an attacker nothing; the log tells the operator.
    pub fn told(self) -> Error {
        match self {
            Self::Denied(why) => {
                tracing::info!(target: "weir::auth", why, "a token was refused");
                metrics::counter!("weir_tokens_refused_total").increment(1);
                Error::NotAuthorized(
                    "the token was not accepted; the log of the catalog says why, under the id of this request".into(),
                )
            }
            Self::Unavailable(why) => {
                tracing::warn!(target: "weir::auth", why, "a token could not be verified");
                metrics::counter!("weir_tokens_unverified_total").increment(1);
                Error::Unavailable {
                    message: "whoever vouches for the token does not answer the catalog; nothing was done: retry"
                        .into(),
                    retry_after_s: 5,
                }
            }
        }
    }
}
