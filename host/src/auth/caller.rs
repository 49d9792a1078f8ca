//! The one who asks, as decisions see it.

use std::sync::Arc;

use serde_json::{Map, Value};

/// What kind of caller it is, as authorizers are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// Nobody had to prove anything.
    Anonymous,
    User,
    /// A user who asked to be no more than one of their roles.
    Role,
}

impl CallerKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Role => "role",
        }
    }
}

/// What a token proves of somebody.
#[derive(Debug)]
pub struct Identity {
    /// `<issuer>~<subject>`, so that the same subject of two issuers is two people.
    pub id: String,
    /// The issuer's name in the configuration; `None` for the anonymous caller.
    pub issuer: Option<String>,
    /// The program that asks, where its token names it.
    pub client: Option<String>,
    /// The engine whose client that is, by the configuration of the issuer.
    pub engine: Option<String>,
    pub name: Option<String>,
    pub email: Option<String>,
    /// Whether no human is behind it.
    pub is_application: bool,
    /// The roles that the token names, each with its issuer: `<issuer>~<role>`.
    pub roles: Vec<String>,
    /// The claims of the token; a plugin is shown those that it asked for and was granted.
    pub claims: Map<String, Value>,
    /// The end of the token that proves it; `None` where nothing ends.
    pub expires_at_ms: Option<i64>,
}

impl Identity {
    pub fn anonymous() -> Self {
        Self {
            id: "anonymous".to_owned(),
            issuer: None,
            client: None,
            engine: None,
            name: None,
            email: None,
            is_application: false,
            roles: Vec::new(),
            claims: Map::new(),
            expires_at_ms: None,
        }
    }
}

/// Somebody who asks by one request.
#[derive(Clone, Debug)]
pub struct Caller {
    identity: Arc<Identity>,
    /// All roles that count for this request: of the token, of the catalog.
    roles: Arc<[String]>,
    acting: Acting,
    request_id: Arc<str>,
}

/// As whom somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Acting {
    Themselves,
    /// As no more than one of their roles.
    Role(Arc<str>),
    /// With the rights of the owner of a view, through a trusted engine.
    Owner(Arc<str>),
}

impl Caller {
    pub fn anonymous() -> Self {
        Self::proven(Arc::new(Identity::anonymous()))
    }

    /// Whoever a token vouches for, with the roles that the token names.
    pub fn proven(identity: Arc<Identity>) -> Self {
        let roles = identity.roles.as_slice().into();
        Self { identity, roles, acting: Acting::Themselves, request_id: Arc::from("") }
    }

    /// The same, asking by a request of this id.
    pub fn by_request(self, id: &str) -> Self {
        Self { request_id: Arc::from(id), ..self }
    }

    /// The same, with the roles that the catalog knows beside those of the token.
    pub fn in_roles(self, more: impl IntoIterator<Item = String>) -> Self {
        let mut roles = self.roles.to_vec();
        for role in more {
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Self { roles: roles.into(), ..self }
    }

    /// The same, who wants to be no more than this role. Whether the role is theirs is for the one who asks to check.
    pub fn assuming(self, role: &str) -> Self {
        Self { acting: Acting::Role(Arc::from(role)), roles: Arc::new([role.to_owned()]), ..self }
    }

    /// The same, who asks with the rights of the owner of a view. Whether they may is for the one who asks to check.
    pub fn acting_for(self, owner: &str, roles: impl IntoIterator<Item = String>) -> Self {
        Self { acting: Acting::Owner(Arc::from(owner)), roles: roles.into_iter().collect(), ..self }
    }

    /// Who is accountable: unique over all issuers, never a token, the same whatever role is assumed.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// Whom authorizers are asked about: the assumed role or the owner of the view where there is one, else the caller.
    pub fn principal_id(&self) -> &str {
        match &self.acting {
            Acting::Themselves => &self.identity.id,
            Acting::Role(id) | Acting::Owner(id) => id,
        }
    }

    pub fn kind(&self) -> CallerKind {
        match (&self.acting, &self.identity.issuer) {
            (Acting::Role(_), _) => CallerKind::Role,
            (Acting::Owner(_), _) | (Acting::Themselves, Some(_)) => CallerKind::User,
            (Acting::Themselves, None) => CallerKind::Anonymous,
        }
    }

    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    pub fn assumed_role(&self) -> Option<&str> {
        match &self.acting {
            Acting::Role(id) => Some(id),
            Acting::Themselves | Acting::Owner(_) => None,
        }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The claims that prove the caller. A role has none of its own, and those of an engine are not the owner's.
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        (self.acting == Acting::Themselves).then_some(&self.identity.claims)
    }

    /// The same, shared.
    pub fn request(&self) -> Arc<str> {
        Arc::clone(&self.request_id)
    }

    /// The id of the request that is made, which leads through all logs.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
}
