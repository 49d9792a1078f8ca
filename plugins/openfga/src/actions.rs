//! What each action of the catalogue needs, in the words of the model.

use weir_plugin::{Check, text};

/// What a caller must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing: everybody who is let in may.
    Nothing,
    /// A relation to the object.
    Relation(&'static str),
    /// What nobody can hold: the model has no such action, or no such privilege.
    Unheard,
}

/// The need of one check. What the catalogue may come to know later is unheard of here, so it is denied.
pub fn need(check: &Check) -> Need {
    match check.action.split_once(':') {
        Some((kind, "grant")) if kind == check.object.kind => grant(kind, text(&check.object.attributes, "privilege")),
        Some((kind, action)) if kind == check.object.kind => of_action(kind, action),
        _ => Need::Unheard,
    }
}

fn of_action(kind: &str, action: &str) -> Need {
    let relation = match (kind, action) {
        ("server", "describe" | "list-projects") => return Need::Nothing,
        ("server", "bootstrap") => "can_operate",
        ("server", "create-project" | "manage" | "read-grants") => "can_administer",
        ("server", "list-users" | "provision-users" | "update-users" | "delete-users") => "can_administer",

        ("project", "describe" | "list-warehouses") => "can_see",
        ("project", "rename" | "delete") => "can_administer",
        ("project", "create-warehouse") => "can_create",
        ("project", "list-tasks") => "can_describe",
        ("project", "control-tasks") => "can_modify",
        ("project", "create-role") => "can_create_roles",
        ("project", "list-roles") => "can_describe",

        ("role", "describe" | "list-members") => "can_describe",
        ("role", "update" | "delete" | "manage-members") => "can_manage",

        ("warehouse", "describe" | "list-namespaces") => "can_see",
        ("warehouse", "list-deleted" | "list-tasks") => "can_describe",
        ("warehouse", "create-namespace" | "accept-namespace") => "can_create",
        ("warehouse", "update" | "delete" | "control-tasks") => "can_modify",
        ("warehouse", "explain") => "can_manage_grants",

        ("namespace", "describe" | "list-namespaces" | "list-tables" | "list-views") => "can_see",
        ("namespace", "create-namespace" | "accept-namespace" | "create-table" | "create-view") => "can_create",
        ("namespace", "update-properties" | "move" | "drop" | "protect") => "can_modify",

        ("table" | "view", "describe") => "can_see",
        ("table", "report-metrics") => "can_describe",
        ("table", "read") => "can_select",
        ("table", "write") => "can_modify",
        ("table" | "view", "commit" | "rename" | "drop" | "undrop" | "protect") => "can_modify",

        ("project" | "warehouse" | "namespace" | "table" | "view", "read-grants") => "can_pass_grants",
        _ => return Need::Unheard,
    };
    Need::Relation(relation)
}

/// What it takes to give a privilege, or to take it away: the right to manage all grants, or for some privileges the
/// right to pass on what one has oneself. Nobody gives more than he could take (S23).
fn grant(kind: &str, privilege: Option<&String>) -> Need {
    let Some(privilege) = privilege.filter(|privilege| privileges(kind).contains(&privilege.as_str())) else {
        return Need::Unheard;
    };
    Need::Relation(match (kind, privilege.as_str()) {
        ("server", "operator") => "can_operate",
        ("server", _) | ("project", "project_admin") => "can_administer",
        ("warehouse" | "namespace" | "table" | "view", "describe") => "can_grant_describe",
        ("warehouse" | "namespace" | "table" | "view", "select") => "can_grant_select",
        ("warehouse" | "namespace" | "table" | "view", "create") => "can_grant_create",
        ("warehouse" | "namespace" | "table" | "view", "modify") => "can_grant_modify",
        _ => "can_manage_grants",
    })
}

/// What can be granted on objects of a kind.
pub fn privileges(kind: &str) -> &'static [&'static str] {
    match kind {
        "server" => &["admin", "operator"],
        "project" => {
            &["project_admin", "security_admin", "data_admin", "role_creator", "describe", "select", "create", "modify"]
        }
        "warehouse" | "namespace" => {
            &["ownership", "pass_grants", "manage_grants", "describe", "select", "create", "modify"]
        }
        "table" | "view" => &["ownership", "pass_grants", "manage_grants", "describe", "select", "modify"],
        _ => &[],
    }
}
