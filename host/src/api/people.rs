//! Who stands behind a request: the token's bearer, known to the catalog, in the roles that it keeps for them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::edge::RequestId;
use crate::app::App;
use crate::auth::{Caller, CallerKind, Identity};
use crate::catalog::ids::RoleId;
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::rows::{UpdatedWith, User, UserKind};

const X_ASSUME_ROLE: &str = "x-assume-role";

/// Users remembered at most as known already; beyond that they are looked up again.
const KNOWN_MAX: usize = 100_000;

/// What is remembered of people between requests.
#[derive(Default)]
pub struct People {
    /// Users who are in the ledger for certain.
    known: Mutex<HashSet<String>>,
}

impl People {
    /// Somebody may come again who was forgotten.
    pub fn forget(&self, id: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn knows(&self, id: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    fn note(&self, id: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id.to_owned());
    }
}

impl App {
    /// The caller of a request, in the role that it asks to assume.
    pub async fn caller_of(&self, parts: &Parts) -> Result<Caller> {
        let authorization = parts.headers.get(AUTHORIZATION).map(|value| value.to_str()).transpose();
        let authorization =
            authorization.map_err(|_| Error::NotAuthorized("the Authorization header is not plain text".into()))?;
        let caller = self.authentication.caller(authorization, self.clock.now_ms()).await;
        let caller = caller.inspect_err(|error| self.audit_stranger(error))?;
        let caller = match parts.extensions.get::<RequestId>() {
            Some(id) => caller.by_request(id.as_str()),
            None => caller,
        };
        let wanted = assumed_role(parts)?;
        if caller.kind() == CallerKind::Anonymous {
            return match wanted {
                None => Ok(caller),
                Some(_) => Err(Error::bad_request("an anonymous caller has no roles to assume; send a token")),
            };
        }
        self.register(caller.identity()).await;
        if wanted.is_none() && self.plugins.authorizers().seats().is_empty() {
            // Nobody is asked who would look at roles.
            return Ok(caller);
        }
        let roles = self.roles_of(caller.identity()).await?;
        let caller = caller.in_roles(roles.iter().map(RoleId::to_string));
        match wanted {
            None => Ok(caller),
            Some(role) => assume(caller, role),
        }
    }

    /// Every role that the catalog keeps somebody in.
    async fn roles_of(&self, identity: &Identity) -> Result<Vec<RoleId>> {
        let provider = identity.issuer.as_deref().unwrap_or_default();
        let of_token = |role: &String| role.split_once('~').map(|(_, name)| name.to_owned());
        let sources: Vec<String> = identity.roles.iter().filter_map(of_token).collect();
        self.store.roles_held(&identity.id, provider, &sources).await
    }

    /// Makes somebody known who is seen for the first time. It is nobody's request that fails where that does.
    async fn register(&self, identity: &Identity) {
        if self.people.knows(&identity.id) || self.config.catalog.read_only {
            return;
        }
        let user = User {
            id: identity.id.clone(),
            name: identity.name.clone().unwrap_or_else(|| identity.id.clone()),
            email: identity.email.clone(),
            kind: if identity.is_application { UserKind::Application } else { UserKind::Human },
            updated_with: UpdatedWith::Token,
            created_at_ms: self.clock.now_ms(),
            updated_at_ms: None,
        };
        match self.insert_unless_known(&user).await {
            Ok(()) => self.people.note(&identity.id),
            Err(error) => {
                tracing::warn!(caller.id = identity.id, error = %error, "somebody new could not be made known");
            }
        }
    }

    async fn insert_unless_known(&self, user: &User) -> Result<()> {
        if self.store.user(&user.id).await?.is_some() {
            return Ok(());
        }
        let mut writer = self.store.begin(&Permit::operator("register-user")).await?;
        writer.insert_user(user).await?;
        writer.commit().await
    }
}

/// The role that a request asks to be no more than.
fn assumed_role(parts: &Parts) -> Result<Option<RoleId>> {
    let Some(value) = parts.headers.get(X_ASSUME_ROLE) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Error::bad_request("the header x-assume-role is not plain text"))?;
    text.trim().parse().map(Some)
}

/// Only a role that one is in can be assumed; whether another one exists is not told.
fn assume(caller: Caller, role: RoleId) -> Result<Caller> {
    let role = role.to_string();
    match caller.roles().contains(&role) {
        true => Ok(caller.assuming(&role)),
        false => Err(Error::Forbidden(format!("{} is not in the role {role}, so it cannot be assumed", caller.id()))),
    }
}
