//! Every action of the catalogue has its place in the model; what has none is denied.

use weir_plugin::testing::{check, object};
use weir_plugin::{Attribute, Value};
use weir_plugin_openfga::{Need, need, privileges};

/// The actions that `wit/ACTIONS.md` lists.
fn catalogue() -> Vec<String> {
    let rows =
        include_str!("../../../wit/ACTIONS.md").lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let actions: Vec<String> = rows.filter(|action| action.contains(':')).map(ToString::to_string).collect();
    assert!(actions.len() > 40, "the catalogue is written in another way now: {actions:?}");
    actions
}

fn need_of(action: &str, privilege: Option<&str>) -> Need {
    let kind = action.split(':').next().unwrap_or_default();
    let mut object = object(kind, "a.t");
    object
        .attributes
        .extend(privilege.map(|name| Attribute { key: "privilege".to_string(), value: Value::Text(name.to_string()) }));
    need(&check(action, object))
}

/// What this plugin leaves to denial on purpose.
fn has_no_grants(action: &str) -> bool {
    action.ends_with(":grant")
}

#[test]
fn t54_every_action_of_the_catalogue_is_mapped() {
    let unmapped: Vec<String> = catalogue()
        .into_iter()
        .filter(|action| !has_no_grants(action) && need_of(action, None) == Need::Unheard)
        .collect();
    assert!(unmapped.is_empty(), "src/actions.rs needs a line for each of {unmapped:?}");
}

#[test]
fn t54_what_nobody_heard_of_is_denied() {
    for action in ["table:explode", "planet:describe", "describe", "", "table:", ":describe", "table:grant"] {
        assert_eq!(need_of(action, None), Need::Unheard, "{action}");
    }
    let of_another_kind = check("table:describe", object("view", "a.v"));
    assert_eq!(need(&of_another_kind), Need::Unheard);
    assert_eq!(need_of("table:grant", Some("everything")), Need::Unheard);
    assert_eq!(need_of("table:grant", Some("create")), Need::Unheard);
}

#[test]
fn s23_every_privilege_takes_a_right_of_its_own_to_grant() {
    for kind in ["server", "project", "warehouse", "namespace", "table", "view"] {
        for privilege in privileges(kind) {
            let need = need_of(&format!("{kind}:grant"), Some(privilege));
            assert!(matches!(need, Need::Relation(_)), "{kind} {privilege}");
        }
    }
    assert_eq!(need_of("table:grant", Some("select")), Need::Relation("can_grant_select"));
    assert_eq!(need_of("table:grant", Some("ownership")), Need::Relation("can_manage_grants"));
    assert_eq!(need_of("table:grant", Some("pass_grants")), Need::Relation("can_manage_grants"));
    assert_eq!(need_of("project:grant", Some("project_admin")), Need::Relation("can_administer"));
    assert_eq!(need_of("server:grant", Some("operator")), Need::Relation("can_operate"));
}
