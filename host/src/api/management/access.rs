//! What somebody may do with an object: the actions of the catalog, those on its privileges, in Lakekeeper's words.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::action_names::known;
use super::batch_check::for_identity;
use super::extract::{Ids, InProject};
use super::grant_target::Target;
use super::permissions::PrincipalName;
use crate::api::authorize::{Asker, Question, Wish};
use crate::api::extract::QueryOf;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use crate::error::{Error, Result};
use crate::plugin::chain::Outcome;
use crate::store::rows::TabularKind;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AllowedActions {
    pub allowed_actions: Vec<&'static str>,
}

/// Whom the question is about; the caller when both are left out.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct About {
    pub principal_user: Option<String>,
    pub principal_role: Option<String>,
}

/// Which of the actions are of interest.
#[derive(Clone, Copy)]
enum Scope {
    /// Those on privileges.
    Grants,
    /// Those of the catalog, too.
    All,
}

async fn allowed(
    app: &App,
    caller: &Caller,
    target: Target,
    about: About,
    scope: Scope,
) -> Result<Json<AllowedActions>> {
    let found = target.find(app, caller).await?;
    let kind = found.object().kind();
    let asker = match (about.principal_user, about.principal_role) {
        (None, None) => {
            app.authorize_question(caller, &target.question(Action::sight(kind), &found)).await?;
            Asker::caller(caller)
        }
        (Some(_), Some(_)) => return Err(Error::bad_request("name either `principalUser` or `principalRole`")),
        (user, role) => {
            // Whoever may see who holds privileges may see what follows from them.
            app.authorize_question(caller, &target.question(target.reading(), &found)).await?;
            somebody_else(app, user, role.unwrap_or_default()).await?
        }
    };
    let mut named: Vec<(&'static str, Question<'_>)> = Vec::new();
    for (name, privilege) in on_grants(kind) {
        let action = if privilege.is_some() { target.granting() } else { target.reading() };
        let wish = Wish { privilege: *privilege, ..Wish::default() };
        named.push((*name, Question::new(action, found.object()).wishing(wish)));
    }
    if matches!(scope, Scope::All) {
        for name in of_catalog(kind) {
            if let Some(Some(action)) = known(kind, name) {
                named.push((*name, Question::new(action, found.object())));
            }
        }
    }
    let (names, questions): (Vec<&'static str>, Vec<Question<'_>>) = named.into_iter().unzip();
    let outcomes = app.outcomes_for(caller, &asker, &questions).await?;
    let mut allowed_actions = Vec::new();
    for (name, outcome) in names.into_iter().zip(outcomes) {
        match outcome {
            Outcome::Allow => allowed_actions.push(name),
            Outcome::Deny => {}
            Outcome::Unable(silence) => {
                return Err(Error::unavailable(format_args!("it could not be decided ({}); retry", silence.code)));
            }
        }
    }
    Ok(Json(AllowedActions { allowed_actions }))
}

/// A user in the roles that the catalog keeps for them, or a role, for whoever asks as a role is in it.
async fn somebody_else(app: &App, user: Option<String>, role: String) -> Result<Asker> {
    match user {
        Some(user) => for_identity(app, Some(&user), None).await,
        None => Ok(Asker::from(PrincipalName { roles: vec![role.clone()], id: role, kind: Some("role".to_owned()) })),
    }
}

/// The actions on privileges, with the privilege that they give.
fn on_grants(kind: Kind) -> &'static [(&'static str, Option<&'static str>)] {
    match kind {
        Kind::Server => {
            &[("read_assignments", None), ("grant_admin", Some("admin")), ("grant_operator", Some("operator"))]
        }
        Kind::Project => &[
            ("read_assignments", None),
            ("grant_role_creator", Some("role_creator")),
            ("grant_create", Some("create")),
            ("grant_describe", Some("describe")),
            ("grant_modify", Some("modify")),
            ("grant_select", Some("select")),
            ("grant_project_admin", Some("project_admin")),
            ("grant_security_admin", Some("security_admin")),
            ("grant_data_admin", Some("data_admin")),
        ],
        Kind::Warehouse | Kind::Namespace => &[
            ("read_assignments", None),
            ("grant_create", Some("create")),
            ("grant_describe", Some("describe")),
            ("grant_modify", Some("modify")),
            ("grant_select", Some("select")),
            ("grant_pass_grants", Some("pass_grants")),
            ("grant_manage_grants", Some("manage_grants")),
            ("change_ownership", Some("ownership")),
        ],
        Kind::Table | Kind::View => &[
            ("read_assignments", None),
            ("grant_pass_grants", Some("pass_grants")),
            ("grant_manage_grants", Some("manage_grants")),
            ("grant_describe", Some("describe")),
            ("grant_select", Some("select")),
            ("grant_modify", Some("modify")),
            ("change_ownership", Some("ownership")),
        ],
        Kind::Role => &[],
    }
}

/// The names of the catalog's actions, as far as they are offered here.
fn of_catalog(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Server => &["create_project"],
        Kind::Project => {
            &["create_warehouse", "delete", "rename", "get_metadata", "list_warehouses", "include_in_list"]
        }
        Kind::Warehouse => &[
            "create_namespace",
            "delete",
            "get_config",
            "get_metadata",
            "list_namespaces",
            "include_in_list",
            "deactivate",
            "activate",
            "rename",
            "list_deleted_tabulars",
            "get_all_tasks",
            "control_all_tasks",
            "set_protection",
            "set_format_version_policy",
        ],
        Kind::Namespace => &[
            "create_table",
            "create_view",
            "create_namespace",
            "delete",
            "update_properties",
            "get_metadata",
            "set_protection",
        ],
        Kind::Table => &["drop", "write_data", "read_data", "get_metadata", "commit", "rename", "set_protection"],
        Kind::View => &["drop", "get_metadata", "commit", "rename", "set_protection"],
        Kind::Role => &[],
    }
}

/// The two handlers of one kind of object, whose bodies differ in nothing.
macro_rules! access {
    ($all:ident $all_path:literal, $grants:ident $grants_path:literal, ($($extract:tt)*), $target:expr,
     [$($parameter:tt)*]) => {
        #[utoipa::path(get, path = $all_path, tag = "permissions", summary = "Get what somebody may do",
            params($($parameter)* ("principalUser" = Option<String>, Query), ("principalRole" = Option<String>, Query)),
            responses((status = 200, body = AllowedActions), (status = "4XX", body = ErrorResponse)))]
        pub async fn $all(
            State(app): State<Arc<App>>,
            caller: Caller,
            $($extract)*,
            QueryOf(about): QueryOf<About>,
        ) -> Result<Json<AllowedActions>> {
            allowed(&app, &caller, $target, about, Scope::All).await
        }

        #[utoipa::path(get, path = $grants_path, tag = "permissions",
            summary = "Get what somebody may do with privileges", params($($parameter)* ("principalUser" = Option<String>, Query), ("principalRole" = Option<String>, Query)),
            responses((status = 200, body = AllowedActions), (status = "4XX", body = ErrorResponse)))]
        pub async fn $grants(
            State(app): State<Arc<App>>,
            caller: Caller,
            $($extract)*,
            QueryOf(about): QueryOf<About>,
        ) -> Result<Json<AllowedActions>> {
            allowed(&app, &caller, $target, about, Scope::Grants).await
        }
    };
}

access!(
    get_server_access "/management/v1/permissions/server/access",
    get_authorizer_server_actions "/management/v1/permissions/server/authorizer-actions",
    (_: ()), Target::Server, []
);
access!(
    get_project_access "/management/v1/permissions/project/access",
    get_authorizer_project_actions "/management/v1/permissions/project/authorizer-actions",
    (InProject(id): InProject), Target::Project(id), []
);
access!(
    get_project_access_by_id "/management/v1/permissions/project/{project_id}/access",
    get_authorizer_project_actions_by_id "/management/v1/permissions/project/{project_id}/authorizer-actions",
    (Ids(id): Ids<String>), Target::Project(ProjectId::parse(&id)?), [("project_id" = String, Path),]
);
access!(
    get_warehouse_access_by_id "/management/v1/permissions/warehouse/{warehouse_id}/access",
    get_authorizer_warehouse_actions "/management/v1/permissions/warehouse/{warehouse_id}/authorizer-actions",
    (Ids(id): Ids<WarehouseId>), Target::Warehouse(id), [("warehouse_id" = Uuid, Path),]
);
access!(
    get_namespace_access_by_id "/management/v1/permissions/namespace/{namespace_id}/access",
    get_authorizer_namespace_actions "/management/v1/permissions/namespace/{namespace_id}/authorizer-actions",
    (Ids(id): Ids<NamespaceId>), Target::Namespace(id), [("namespace_id" = Uuid, Path),]
);
access!(
    get_table_access_by_id "/management/v1/permissions/warehouse/{warehouse_id}/table/{table_id}/access",
    get_authorizer_table_actions
        "/management/v1/permissions/warehouse/{warehouse_id}/table/{table_id}/authorizer-actions",
    (Ids(ids): Ids<(WarehouseId, TabularId)>), Target::Tabular(TabularKind::Table, ids),
    [("warehouse_id" = Uuid, Path), ("table_id" = Uuid, Path),]
);
access!(
    get_view_access_by_id "/management/v1/permissions/warehouse/{warehouse_id}/view/{view_id}/access",
    get_authorizer_view_actions
        "/management/v1/permissions/warehouse/{warehouse_id}/view/{view_id}/authorizer-actions",
    (Ids(ids): Ids<(WarehouseId, TabularId)>), Target::Tabular(TabularKind::View, ids),
    [("warehouse_id" = Uuid, Path), ("view_id" = Uuid, Path),]
);
