//! What somebody may do with one object, in the words of Lakekeeper's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::action_names::NAMES;
use super::batch_check::{decided, for_identity};
use super::extract::{Ids, InProject};
use super::named_objects::ObjectName;
use super::permissions::may_explain;
use super::users::may_read;
use crate::api::authorize::{Asker, Object, Question};
use crate::api::extract::QueryOf;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::{Action, Kind};
use crate::error::{Error, Result};

/// Whom the answer is about; the caller when both are left out. About others only those may ask who may explain.
#[derive(Debug, Default, Deserialize)]
pub struct PrincipalQuery {
    #[serde(rename = "principalUser")]
    user: Option<String>,
    #[serde(rename = "principalRole")]
    role: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AllowedActionsResponse {
    pub allowed_actions: Vec<AllowedAction>,
}

#[derive(Serialize, ToSchema)]
pub struct AllowedAction {
    pub action: &'static str,
}

macro_rules! endpoint {
    ($name:ident, $path:literal, $tag:literal, $kind:ident, ($($parameters:tt)*), $ids:ident: $of:ty => $object:expr) => {
        #[utoipa::path(get, path = $path, tag = $tag, summary = "Get allowed actions",
            params($($parameters)*, ("principalUser" = Option<String>, Query), ("principalRole" = Option<Uuid>, Query)),
            responses((status = 200, body = AllowedActionsResponse), (status = "4XX", body = ErrorResponse)))]
        pub async fn $name(
            State(app): State<Arc<App>>,
            caller: Caller,
            Ids($ids): Ids<$of>,
            QueryOf(principal): QueryOf<PrincipalQuery>,
        ) -> Result<Json<AllowedActionsResponse>> {
            allowed(&app, &caller, &principal, Kind::$kind, &$object).await
        }
    };
}

endpoint!(get_warehouse_actions, "/management/v1/warehouse/{warehouse_id}/actions", "warehouse", Warehouse,
    (("warehouse_id" = Uuid, Path)),
    id: Uuid => ObjectName { warehouse_id: Some(id), ..ObjectName::default() });
endpoint!(get_namespace_actions, "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/actions", "warehouse",
    Namespace, (("warehouse_id" = Uuid, Path), ("namespace_id" = Uuid, Path)),
    ids: (Uuid, Uuid) =>
        ObjectName { warehouse_id: Some(ids.0), namespace_id: Some(ids.1), ..ObjectName::default() });
endpoint!(get_table_actions, "/management/v1/warehouse/{warehouse_id}/table/{table_id}/actions", "warehouse", Table,
    (("warehouse_id" = Uuid, Path), ("table_id" = Uuid, Path)),
    ids: (Uuid, Uuid) => ObjectName { warehouse_id: Some(ids.0), table_id: Some(ids.1), ..ObjectName::default() });
endpoint!(get_view_actions, "/management/v1/warehouse/{warehouse_id}/view/{view_id}/actions", "warehouse", View,
    (("warehouse_id" = Uuid, Path), ("view_id" = Uuid, Path)),
    ids: (Uuid, Uuid) => ObjectName { warehouse_id: Some(ids.0), table_id: Some(ids.1), ..ObjectName::default() });
endpoint!(get_role_actions, "/management/v1/role/{role_id}/actions", "role", Role, (("role_id" = Uuid, Path)),
    id: Uuid => ObjectName { role_id: Some(id), ..ObjectName::default() });

#[utoipa::path(get, path = "/management/v1/server/actions", tag = "server", summary = "Get allowed server actions",
    params(("principalUser" = Option<String>, Query), ("principalRole" = Option<Uuid>, Query)),
    responses((status = 200, body = AllowedActionsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_server_actions(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryOf(principal): QueryOf<PrincipalQuery>,
) -> Result<Json<AllowedActionsResponse>> {
    allowed(&app, &caller, &principal, Kind::Server, &ObjectName::default()).await
}

#[utoipa::path(get, path = "/management/v1/project/actions", tag = "project",
    summary = "Get allowed actions for a project",
    params(("x-project-id" = Option<String>, Header), ("principalUser" = Option<String>, Query),
        ("principalRole" = Option<Uuid>, Query)),
    responses((status = 200, body = AllowedActionsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_project_actions(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    QueryOf(principal): QueryOf<PrincipalQuery>,
) -> Result<Json<AllowedActionsResponse>> {
    let object = ObjectName { project_id: Some(project.as_str().to_owned()), ..ObjectName::default() };
    allowed(&app, &caller, &principal, Kind::Project, &object).await
}

/// What somebody may do with what is known of a user. Everybody reads what is known of themselves.
#[utoipa::path(get, path = "/management/v1/user/{user_id}/actions", tag = "user",
    summary = "Get allowed actions for a user",
    params(("user_id" = String, Path), ("principalUser" = Option<String>, Query),
        ("principalRole" = Option<Uuid>, Query)),
    responses((status = 200, body = AllowedActionsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_user_actions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(user): Ids<String>,
    QueryOf(principal): QueryOf<PrincipalQuery>,
) -> Result<Json<AllowedActionsResponse>> {
    may_read(&app, &caller, &user).await?;
    let asker = asker(&app, &caller, &principal, Kind::Server, &ObjectName::default()).await?;
    let names = [
        ("read", Action::ServerListUsers),
        ("update", Action::ServerUpdateUsers),
        ("delete", Action::ServerDeleteUsers),
        ("read_role_assignments", Action::ServerListUsers),
    ];
    let questions = names.map(|(_, action)| Question::new(action, Object::Server));
    let outcomes = app.outcomes_for(&caller, &asker, &questions).await?;
    let mut allowed_actions = Vec::new();
    for ((action, of), outcome) in names.into_iter().zip(outcomes) {
        let is_own = of == Action::ServerListUsers && asker.id == user;
        if is_own || decided(outcome)? {
            allowed_actions.push(AllowedAction { action });
        }
    }
    Ok(Json(AllowedActionsResponse { allowed_actions }))
}

async fn allowed(
    app: &App,
    caller: &Caller,
    principal: &PrincipalQuery,
    kind: Kind,
    name: &ObjectName,
) -> Result<Json<AllowedActionsResponse>> {
    let asker = asker(app, caller, principal, kind, name).await?;
    let found = name.find(app, kind).await?;
    let sight = Question::new(Action::sight(kind), found.object());
    let sight = match name.id(kind) {
        Some(id) => sight.by_id(id),
        None => sight,
    };
    // What the caller may do with something hidden would tell that it is there.
    app.authorize_question(caller, &sight).await?;
    let names: Vec<(&'static str, Action)> =
        NAMES.iter().filter(|(of, ..)| *of == kind).map(|(_, name, action)| (*name, *action)).collect();
    let questions: Vec<Question<'_>> =
        names.iter().map(|(_, action)| Question::new(*action, found.object()).aside()).collect();
    let outcomes = app.outcomes_for(caller, &asker, &questions).await?;
    let mut allowed_actions = Vec::new();
    for ((action, _), outcome) in names.into_iter().zip(outcomes) {
        if decided(outcome)? {
            allowed_actions.push(AllowedAction { action });
        }
    }
    Ok(Json(AllowedActionsResponse { allowed_actions }))
}

async fn asker(app: &App, caller: &Caller, principal: &PrincipalQuery, kind: Kind, name: &ObjectName) -> Result<Asker> {
    match (&principal.user, principal.role) {
        (None, None) => Ok(Asker::caller(caller)),
        (Some(_), Some(_)) => Err(Error::bad_request("either `principalUser` or `principalRole`, not both")),
        (user, role) => {
            may_explain(app, caller, kind, name).await?;
            for_identity(app, user.as_deref(), role).await
        }
    }
}
