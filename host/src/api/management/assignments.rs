//! Privileges on objects: who holds them, how they are given or taken, in the words of Lakekeeper's API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{Ids, InProject};
use super::grant_target::Target;
use crate::api::authorize::{CHANGES_MAX, Privilege, Question};
use crate::api::extract::{JsonBody, QueryOf};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::{NamespaceId, ProjectId, TabularId, WarehouseId};
use crate::error::{Error, Result};
use crate::store::rows::TabularKind;

/// One privilege of somebody: exactly one of `user` and `role` is set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// The privilege, e.g. `select`.
    #[serde(rename = "type")]
    pub privilege: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AssignmentsResponse {
    pub assignments: Vec<Assignment>,
    /// Of a project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateAssignmentsRequest {
    /// To be given; what is there already stays.
    pub writes: Vec<Assignment>,
    /// To be taken away; what is not there is no error. Taken before others are given.
    pub deletes: Vec<Assignment>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Relations {
    /// The privileges to show, separated by commas; all when left out.
    pub relations: Option<String>,
}

impl Assignment {
    fn privilege(self) -> Result<Privilege> {
        let principal = match (self.user, self.role) {
            (Some(user), None) if !user.is_empty() => format!("user:{user}"),
            (None, Some(role)) if !role.is_empty() => format!("role:{role}"),
            _ => return Err(Error::bad_request("an assignment has either `user` or `role`")),
        };
        Ok(Privilege { principal, name: self.privilege })
    }

    /// What a plugin keeps for somebody who is neither user nor role is not shown.
    fn of(privilege: Privilege) -> Option<Self> {
        let Privilege { principal, name: privilege } = privilege;
        match principal.split_once(':')? {
            ("user", id) => Some(Self { privilege, user: Some(id.to_owned()), role: None }),
            ("role", id) => Some(Self { privilege, user: None, role: Some(id.to_owned()) }),
            _ => None,
        }
    }
}

async fn read(app: &App, caller: &Caller, target: Target, wanted: Relations) -> Result<Json<AssignmentsResponse>> {
    let project_id = target.project_id();
    let found = target.find(app, caller).await?;
    let question = target.question(target.reading(), &found);
    let privileges = app.grants_on(caller, question).await?;
    let wanted: Option<Vec<&str>> = wanted.relations.as_deref().map(|names| names.split(',').map(str::trim).collect());
    let is_wanted = |one: &Privilege| wanted.as_ref().is_none_or(|wanted| wanted.contains(&one.name.as_str()));
    let assignments = privileges.into_iter().filter(is_wanted).filter_map(Assignment::of).collect();
    Ok(Json(AssignmentsResponse { assignments, project_id }))
}

async fn update(app: &App, caller: &Caller, target: Target, request: UpdateAssignmentsRequest) -> Result<StatusCode> {
    let wanted = request.writes.len() + request.deletes.len();
    if wanted > CHANGES_MAX {
        return Err(Error::BadRequest(format!(
            "one request changes at most {CHANGES_MAX} assignments, found {wanted}"
        )));
    }
    let parse = |some: Vec<Assignment>| some.into_iter().map(Assignment::privilege).collect::<Result<Vec<_>>>();
    let (add, remove) = (parse(request.writes)?, parse(request.deletes)?);
    let found = target.find(app, caller).await?;
    let question: Question<'_> = target.question(target.granting(), &found);
    app.change_grants(caller, question, &add, &remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The two handlers of one kind of object, whose bodies differ in nothing.
macro_rules! assignments {
    ($get:ident, $update:ident, $path:literal, ($($extract:tt)*), $target:expr, [$($parameter:tt)*]) => {
        #[utoipa::path(get, path = $path, tag = "permissions", summary = "Get assignments",
            params($($parameter)* ("relations" = Option<String>, Query)),
            responses((status = 200, body = AssignmentsResponse), (status = "4XX", body = ErrorResponse)))]
        pub async fn $get(
            State(app): State<Arc<App>>,
            caller: Caller,
            $($extract)*,
            QueryOf(wanted): QueryOf<Relations>,
        ) -> Result<Json<AssignmentsResponse>> {
            read(&app, &caller, $target, wanted).await
        }

        #[utoipa::path(post, path = $path, tag = "permissions", summary = "Give and take assignments",
            params($($parameter)*), request_body = UpdateAssignmentsRequest,
            responses((status = 204, description = "given and taken"), (status = "4XX", body = ErrorResponse)))]
        pub async fn $update(
            State(app): State<Arc<App>>,
            caller: Caller,
            $($extract)*,
            JsonBody(request): JsonBody<UpdateAssignmentsRequest>,
        ) -> Result<StatusCode> {
            update(&app, &caller, $target, request).await
        }
    };
}

assignments!(
    get_server_assignments, update_server_assignments,
    "/management/v1/permissions/server/assignments",
    (_: ()), Target::Server, []
);
assignments!(
    get_project_assignments, update_project_assignments,
    "/management/v1/permissions/project/assignments",
    (InProject(id): InProject), Target::Project(id), []
);
assignments!(
    get_project_assignments_by_id, update_project_assignments_by_id,
    "/management/v1/permissions/project/{project_id}/assignments",
    (Ids(id): Ids<String>), Target::Project(ProjectId::parse(&id)?), [("project_id" = String, Path),]
);
assignments!(
    get_warehouse_assignments_by_id, update_warehouse_assignments_by_id,
    "/management/v1/permissions/warehouse/{warehouse_id}/assignments",
    (Ids(id): Ids<WarehouseId>), Target::Warehouse(id), [("warehouse_id" = Uuid, Path),]
);
assignments!(
    get_namespace_assignments_by_id, update_namespace_assignments_by_id,
    "/management/v1/permissions/namespace/{namespace_id}/assignments",
    (Ids(id): Ids<NamespaceId>), Target::Namespace(id), [("namespace_id" = Uuid, Path),]
);
assignments!(
    get_table_assignments_by_id, update_table_assignments_by_id,
    "/management/v1/permissions/warehouse/{warehouse_id}/table/{table_id}/assignments",
    (Ids(ids): Ids<(WarehouseId, TabularId)>), Target::Tabular(TabularKind::Table, ids),
    [("warehouse_id" = Uuid, Path), ("table_id" = Uuid, Path),]
);
assignments!(
    get_view_assignments_by_id, update_view_assignments_by_id,
    "/management/v1/permissions/warehouse/{warehouse_id}/view/{view_id}/assignments",
    (Ids(ids): Ids<(WarehouseId, TabularId)>), Target::Tabular(TabularKind::View, ids),
    [("warehouse_id" = Uuid, Path), ("view_id" = Uuid, Path),]
);
