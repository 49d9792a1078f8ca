//! Who signs: the key that may do everything, short-lived keys that may do what their policy says.

use std::collections::BTreeMap;

use super::policy::{Asked as Question, Policy};
use super::request::Asked;
use super::signature;
use super::xml::Refusal;

#[derive(Default)]
pub(super) struct Keys {
    by_id: BTreeMap<String, Key>,
}

#[derive(Clone)]
struct Key {
    secret: String,
    session: Option<Session>,
    /// It opens roles, nothing else.
    only_assumes: bool,
}

/// What a short-lived key carries.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) token: String,
    pub(super) policy: Option<Policy>,
    pub(super) expires_at_ms: i64,
    /// A machine is known by a session, too, and opens roles by it.
    pub(super) is_machine: bool,
}

/// Somebody whose signature was right.
#[derive(Clone)]
pub(super) struct Caller {
    session: Option<Session>,
    only_assumes: bool,
}

impl Keys {
    pub(super) fn add_root(&mut self, id: &str, secret: &str) {
        self.by_id.insert(id.to_owned(), Key { secret: secret.to_owned(), session: None, only_assumes: false });
    }

    pub(super) fn add_session(&mut self, id: &str, secret: &str, session: Session) {
        let key = Key { secret: secret.to_owned(), session: Some(session), only_assumes: false };
        self.by_id.insert(id.to_owned(), key);
    }

    pub(super) fn restrict(&mut self, id: &str) {
        self.by_id.get_mut(id).expect("there is such a key").only_assumes = true;
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    pub(super) fn identify(&self, asked: &Asked) -> Result<Caller, Refusal> {
        let id = asked.access_key_id().ok_or_else(|| Refusal::denied("anonymous requests are not served"))?;
        let unknown = || Refusal::new(403, "InvalidAccessKeyId", "there is no such access key");
        let key = self.by_id.get(&id).ok_or_else(unknown)?;
        signature::check(asked, &key.secret)?;
        let token = asked.header("x-amz-security-token").or(asked.parameter("X-Amz-Security-Token"));
        match &key.session {
            None if token.is_some() => Err(Refusal::new(403, "InvalidToken", "this key has no session")),
            Some(session) if token != Some(session.token.as_str()) => {
                Err(Refusal::new(403, "InvalidToken", "the token of the session is another one"))
            }
            Some(session) if session.expires_at_ms <= now_ms() => {
                Err(Refusal::new(400, "ExpiredToken", "the session has expired"))
            }
            session => Ok(Caller { session: session.clone(), only_assumes: key.only_assumes }),
        }
    }
}

impl Caller {
    pub(super) fn may_assume(&self) -> bool {
        self.session.as_ref().is_none_or(|session| session.is_machine)
    }

    /// 403 unless the policy of the session allows it.
    pub(super) fn may(&self, question: &Question<'_>) -> Result<(), Refusal> {
        if self.only_assumes {
            return Err(Refusal::denied("this key opens roles, nothing else"));
        }
        let policy = self.session.as_ref().and_then(|session| session.policy.as_ref());
        match policy {
            Some(policy) if !policy.allows(question) => {
                Err(Refusal::denied(format!("the session may not {} {}", question.action, question.resource)))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn now_ms() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since_epoch.as_millis()).expect("a time of this age")
}
