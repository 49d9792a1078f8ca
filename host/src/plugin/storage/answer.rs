//! Whether what a storage plugin answered stays inside what it was asked for.

use std::collections::BTreeMap;

use super::interface::{AccessGrant, Audience, Credential, Problem, Want};
use super::loan::{Loan, without_token};
use crate::catalog::location::Location;
use crate::plugin::faults::{PluginFault, plain};

/// Clocks of the host and of whoever gives out keys may differ by so much.
const SKEW_MS: u64 = 300_000;
const CREDENTIALS_MAX: usize = 16;
const PROBLEMS_MAX: usize = 100;

/// Configuration whose values are secret: each has to come from an answer that was got in the very call.
const SECRETS: [&str; 3] = ["s3.access-key-id", "s3.secret-access-key", "s3.session-token"];
/// The same, where the value is a text round a MAC.
const SIGNED: [&str; 1] = ["adls.sas-token."];

/// What the host takes at most.
#[derive(Clone, Debug)]
pub struct Bounds {
    pub location: Location,
    pub now_ms: u64,
    /// Configuration whose value the profile says (`s3.endpoint`, `client.region` …): the plugin may say the same.
    pub fixed: BTreeMap<String, String>,
}

/// What a client gets, inside the bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub config: BTreeMap<String, String>,
    pub keys: Vec<Keys>,
    /// The host may use the storage's own key; only ever for itself.
    pub use_stored_key: bool,
    pub remote_signing: bool,
}

/// Keys for a place. Their `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub prefix: Location,
    pub config: BTreeMap<String, String>,
    pub expires_at_ms: u64,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.config.keys().collect();
        f.debug_struct("Keys")
            .field("prefix", &self.prefix.as_str())
            .field("config", &names)
            .field("expires_at_ms", &self.expires_at_ms)
            .finish()
    }
}

impl Bounds {
    /// INVARIANT (I9): what is returned lies inside what was wanted; anything else spoils the whole answer.
    pub(super) fn grant(&self, grant: AccessGrant, want: &Want, loan: &Loan) -> Result<Grant, PluginFault> {
        if grant.use_stored_key && want.audience != Audience::Host {
            return Err(violation("it wants a client to have the storage's own key"));
        }
        if grant.credentials.len() > CREDENTIALS_MAX {
            return Err(violation(format!("it gives {} credentials", grant.credentials.len())));
        }
        let config = self.config(grant.config, loan)?;
        if config.keys().any(|key| is_secret(key)) {
            return Err(violation("it gives keys without a place or an end"));
        }
        let keys = grant.credentials.into_iter().map(|credential| self.keys(credential, want, loan));
        Ok(Grant {
            config,
            keys: keys.collect::<Result<_, _>>()?,
            use_stored_key: grant.use_stored_key,
            remote_signing: grant.remote_signing,
        })
    }

    fn keys(&self, credential: Credential, want: &Want, loan: &Loan) -> Result<Keys, PluginFault> {
        let Ok(prefix) = Location::parse(&credential.prefix) else {
            return Err(violation(format!("`{}` is no place", plain(&credential.prefix, 100))));
        };
        if !self.location.contains(&prefix) {
            return Err(violation(format!("it gives keys for `{prefix}`, wanted was `{}`", self.location)));
        }
        let latest_ms = self.now_ms + u64::from(want.ttl_seconds_max) * 1_000;
        let expires_at_ms = match credential.expires_at_ms {
            Some(end) if end > latest_ms + SKEW_MS => {
                return Err(violation("its keys live longer than they may"));
            }
            Some(end) if end > self.now_ms => end.min(latest_ms),
            _ => return Err(violation("its keys have no end, or are past it")),
        };
        let mut config = self.config(credential.config, loan)?;
        // The host's own word, so that clients and the host agree.
        if config.contains_key("s3.session-token") {
            config.insert("s3.session-token-expires-at-ms".to_owned(), expires_at_ms.to_string());
        }
        Ok(Keys { prefix, config, expires_at_ms })
    }

    fn config(&self, pairs: Vec<(String, String)>, loan: &Loan) -> Result<BTreeMap<String, String>, PluginFault> {
        let mut config = BTreeMap::new();
        for (key, value) in pairs {
            let shown = plain(&key, 100);
            if let Some(fixed) = self.fixed.get(&key) {
                if *fixed != value {
                    return Err(violation(format!("it changes `{shown}`, which the profile says")));
                }
            } else if SECRETS.contains(&key.as_str()) {
                if !loan.has_got(&value) {
                    return Err(violation(format!("`{shown}` is none of the keys that were made for this call")));
                }
            } else if SIGNED.iter().any(|prefix| key.starts_with(prefix)) {
                if !loan.made(&value) {
                    return Err(violation(format!("`{shown}` was not signed in this call")));
                }
            } else if key == "s3.session-token-expires-at-ms" {
                continue;
            } else {
                return Err(violation(format!("`{shown}` is no configuration that clients get from a plugin")));
            }
            if config.insert(key, value).is_some() {
                return Err(violation(format!("it says `{shown}` twice")));
            }
        }
        Ok(config)
    }
}

fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key) || SIGNED.iter().any(|prefix| key.starts_with(prefix))
}

/// The headers have to be those of the one signature that the host computed, as far as the guest has seen it.
pub(super) fn check_signed(headers: &[(String, String)], loan: &Loan) -> Result<(), PluginFault> {
    let Some(signature) = loan.signature() else {
        return Err(violation("it answers a signature that the host did not compute"));
    };
    let sorted = |headers: &[(String, String)]| {
        let mut sorted: Vec<(String, String)> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        sorted.sort();
        sorted
    };
    if sorted(headers) == sorted(&without_token(signature)) {
        Ok(())
    } else {
        Err(violation("it changes the signature"))
    }
}

pub(super) fn problems(problems: &[Problem]) -> Result<(), PluginFault> {
    match problems.len() {
        0..=PROBLEMS_MAX => Ok(()),
        many => Err(PluginFault::BadOutput(format!("it found {many} problems, at most {PROBLEMS_MAX} are told"))),
    }
}

fn violation(what: impl Into<String>) -> PluginFault {
    PluginFault::ScopeViolation(what.into())
}
