//! Roles found by a part of their name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{InProject, project_for};
use super::hits::Hits;
use super::roles::Role;
use super::users::checked_search;
use crate::api::authorize::Object;
use crate::api::extract::JsonBody;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::ProjectId;
use crate::error::Result;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SearchRoleRequest {
    pub search: String,
    /// Deprecated: the header `x-project-id` names the project.
    pub project_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SearchRoleResponse {
    pub roles: Vec<Role>,
}

#[utoipa::path(post, path = "/management/v1/search/role", tag = "role", operation_id = "search_role",
    summary = "Search Role", params(("x-project-id" = Option<String>, Header)), request_body = SearchRoleRequest,
    responses((status = 200, body = SearchRoleResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn search_role(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    JsonBody(request): JsonBody<SearchRoleRequest>,
) -> Result<Json<SearchRoleResponse>> {
    let project = request.project_id.as_deref().map_or(Ok(project), ProjectId::parse)?;
    let (project, _) = project_for(&app, &caller, &project, Action::ProjectListRoles).await?;
    let search = checked_search(&request.search)?;
    let mut hits = Hits::none_yet();
    while let Some(limit) = hits.wanted() {
        let roles = app.store.roles_like(&project.id, &search, hits.after(), limit).await?;
        let objects: Vec<Object<'_>> = roles.iter().map(Object::Role).collect();
        let seen = app.sees(&caller, &objects).await?;
        hits.take(limit, roles, seen, |role| (role.name.clone(), role.id.0));
    }
    Ok(Json(SearchRoleResponse { roles: hits.rows().into_iter().map(Role::from).collect() }))
}
