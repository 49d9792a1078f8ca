//! The scope of a policy, in words that are compared without asking Cedar again.

use cedar_policy::{ActionConstraint, EntityUid, Policy, PrincipalConstraint, ResourceConstraint};
use weir_plugin::Principal;

use crate::entities::{ROLE, groups, type_of};

const ACTION: &str = "Weir::Action";
const USER_TYPE: &str = "Weir::User";
const ROLE_TYPE: &str = "Weir::Role";

/// Whom, what and which kinds a policy speaks of.
pub struct Scope {
    whom: Whom,
    /// The actions and groups of actions; `None` for all.
    actions: Option<Vec<String>>,
    /// The type of the objects; `None` for all.
    type_name: Option<String>,
    /// The only object, by its id.
    object_id: Option<String>,
}

struct Whom {
    type_name: Option<String>,
    /// The one who asks, or a role of theirs.
    named: Option<Named>,
}

struct Named {
    type_name: String,
    id: String,
    /// Whether whoever is in that role is meant, too.
    with_members: bool,
}

impl Scope {
    pub fn of(policy: &Policy) -> Self {
        let anybody = Whom { type_name: None, named: None };
        let whom = match policy.principal_constraint() {
            PrincipalConstraint::Any => anybody,
            PrincipalConstraint::Is(wanted) => Whom { type_name: Some(wanted.to_string()), named: None },
            PrincipalConstraint::Eq(uid) => Whom { named: Some(Named::of(&uid, false)), ..anybody },
            PrincipalConstraint::In(uid) => Whom { named: Named::with_members(&uid), ..anybody },
            PrincipalConstraint::IsIn(wanted, uid) => {
                Whom { type_name: Some(wanted.to_string()), named: Named::with_members(&uid) }
            }
        };
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => None,
            ActionConstraint::Eq(uid) => Some(vec![uid]),
            ActionConstraint::In(uids) => Some(uids),
        };
        let is_action = |uid: &EntityUid| uid.type_name().to_string() == ACTION;
        let name = |uid: EntityUid| uid.id().unescaped().to_string();
        let (type_name, object_id) = match policy.resource_constraint() {
            ResourceConstraint::Is(wanted) | ResourceConstraint::IsIn(wanted, _) => (Some(wanted.to_string()), None),
            ResourceConstraint::Eq(uid) => (Some(uid.type_name().to_string()), Some(name(uid))),
            ResourceConstraint::Any | ResourceConstraint::In(_) => (None, None),
        };
        Self {
            whom,
            actions: actions.map(|uids| uids.into_iter().filter(is_action).map(name).collect()),
            type_name,
            object_id,
        }
    }

    /// The id of the only object that is meant.
    pub fn object_id(&self) -> Option<&str> {
        self.object_id.as_deref()
    }

    /// The id without which nobody is meant; `None` where anybody can be.
    pub fn needs_id(&self) -> Option<&str> {
        self.whom.named.as_ref().map(|named| named.id.as_str())
    }

    pub fn fits_question(&self, action: &str, kind: &str) -> bool {
        let groups = groups(action);
        let is_meant = |wanted: &String| wanted == action || groups.contains(&wanted.as_str());
        self.actions.as_ref().is_none_or(|actions| actions.iter().any(is_meant))
            && self.type_name.as_ref().is_none_or(|wanted| type_of(kind) == Some(wanted))
    }

    pub fn fits_principal(&self, principal: &Principal) -> bool {
        let type_name = if principal.kind == ROLE { ROLE_TYPE } else { USER_TYPE };
        let is_meant = |named: &Named| {
            let is_in_it = || named.with_members && named.type_name == ROLE_TYPE && principal.roles.contains(&named.id);
            (named.type_name == type_name && named.id == principal.id) || is_in_it()
        };
        self.whom.type_name.as_ref().is_none_or(|wanted| wanted == type_name)
            && self.whom.named.as_ref().is_none_or(is_meant)
    }
}

impl Named {
    /// `None` where somebody could be in it by way of a role: a role lies in its project, that on the server.
    fn with_members(uid: &EntityUid) -> Option<Self> {
        let named = Self::of(uid, true);
        matches!(named.type_name.as_str(), USER_TYPE | ROLE_TYPE).then_some(named)
    }

    fn of(uid: &EntityUid, with_members: bool) -> Self {
        Self { type_name: uid.type_name().to_string(), id: uid.id().unescaped().to_string(), with_members }
    }
}
