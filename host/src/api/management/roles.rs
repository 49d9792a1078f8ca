//! Roles of a project.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, InProject, project_for, project_if_there};
use super::projects::checked_name;
use super::times::Timestamp;
use super::users::without_nul;
use crate::api::authorize::{Object, Question, missing};
use crate::api::extract::JsonBody;
use crate::api::listing::{Listing, PageQuery};
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{ProjectId, RoleId};
use crate::catalog::page;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::permit::Permit;
use crate::store::rows;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Role {
    pub id: Uuid,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub project_id: String,
    /// `<provider-id>/<source-id>`.
    pub ident: String,
    pub provider_id: String,
    pub source_id: String,
    pub created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RoleMetadata {
    pub id: Uuid,
    pub name: String,
    pub project_id: String,
    pub ident: String,
    pub provider_id: String,
    pub source_id: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateRoleRequest {
    pub name: String,
    pub description: Option<String>,
    /// Deprecated: the header `x-project-id` names the project.
    pub project_id: Option<String>,
    /// The issuer whose tokens name the role, as the configuration calls it; `catalog` when left out.
    pub provider_id: Option<String>,
    /// What its tokens call the role; the role's own id when left out.
    pub source_id: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateRoleRequest {
    pub name: String,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateRoleSourceSystemRequest {
    pub provider_id: String,
    pub source_id: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ListRolesResponse {
    pub roles: Vec<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

impl From<rows::Role> for Role {
    fn from(role: rows::Role) -> Self {
        Self {
            id: role.id.0,
            ident: role.ident(),
            name: role.name,
            description: role.description,
            project_id: role.project_id.as_str().to_owned(),
            provider_id: role.provider_id,
            source_id: role.source_id,
            created_at: Timestamp(role.created_at_ms),
            updated_at: role.updated_at_ms.map(Timestamp),
        }
    }
}

/// The provider of roles that are made here.
const CATALOG: &str = "catalog";

/// The lists of a query by which roles are narrowed.
#[derive(Debug, Default)]
struct Narrowed {
    ids: Vec<String>,
    sources: Vec<String>,
    providers: Vec<String>,
}

impl Narrowed {
    /// A key comes once for each value.
    fn of(query: Option<&str>) -> Self {
        let mut narrowed = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match key.as_ref() {
                "roleIds" => narrowed.ids.push(value.to_ascii_lowercase()),
                "sourceIds" => narrowed.sources.push(value.into_owned()),
                "providerIds" => narrowed.providers.push(value.into_owned()),
                _ => {}
            }
        }
        narrowed
    }

    fn fits(&self, role: &rows::Role) -> bool {
        let fits = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|one| one == value);
        fits(&self.ids, &role.id.to_string())
            && fits(&self.sources, &role.source_id)
            && fits(&self.providers, &role.provider_id)
    }

    fn shown(&self) -> String {
        format!("{:?}", (&self.ids, &self.sources, &self.providers))
    }
}

#[utoipa::path(get, path = "/management/v1/role", tag = "role", operation_id = "list_roles", summary = "List Roles",
    params(("pageToken" = Option<String>, Query), ("pageSize" = Option<i64>, Query),
        ("projectId" = Option<String>, Query, description = "deprecated: the header `x-project-id` names the project"),
        ("roleIds" = Option<Vec<Uuid>>, Query), ("sourceIds" = Option<Vec<String>>, Query),
        ("providerIds" = Option<Vec<String>>, Query), ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = ListRolesResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_roles(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    RawQuery(raw): RawQuery,
) -> Result<Json<ListRolesResponse>> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(raw.as_deref().unwrap_or_default().as_bytes()).into_owned().collect();
    let value = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let project = value("projectId").as_deref().map_or(Ok(project), ProjectId::parse)?;
    let (project, _) = project_for(&app, &caller, &project, Action::ProjectListRoles).await?;
    let narrowed = Narrowed::of(raw.as_deref());
    let size = value("pageSize").map(|size| size.parse()).transpose();
    let size = size.map_err(|_| Error::bad_request("`pageSize` is no number"))?;
    let shown = narrowed.shown();
    let below = [project.id.as_str(), shown.as_str()];
    let of = page::Listing { what: "roles", of: &below, caller: caller.id() };
    let mut listing = Listing::start(&app, &PageQuery::new(value("pageToken"), size), of)?;
    while let Some(limit) = listing.wanted() {
        let after = listing.after().map(str::parse).transpose()?;
        let roles = app.store.roles_page(&project.id, after, limit).await?;
        let objects: Vec<Object<'_>> = roles.iter().map(Object::Role).collect();
        let seen = app.sees(&caller, &objects).await?;
        let rows = roles.into_iter().zip(seen).map(|(role, seen)| {
            let shown = seen && narrowed.fits(&role);
            (role.id.to_string(), role, shown)
        });
        listing.take(limit, rows.collect(), Role::from);
    }
    let (roles, next_page_token) = listing.finish();
    Ok(Json(ListRolesResponse { roles, next_page_token }))
}

#[utoipa::path(post, path = "/management/v1/role", tag = "role", operation_id = "create_role", summary = "Create Role",
    params(("x-project-id" = Option<String>, Header)), request_body = CreateRoleRequest,
    responses((status = 201, body = Role), (status = "4XX", body = ErrorResponse)))]
pub async fn create_role(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(project): InProject,
    JsonBody(request): JsonBody<CreateRoleRequest>,
) -> Result<(StatusCode, Json<Role>)> {
    let project = request.project_id.as_deref().map_or(Ok(project), ProjectId::parse)?;
    let project = project_if_there(&app, &caller, &project).await?;
    let question = Question::new(Action::ProjectCreateRole, Object::Project(&project)).naming(&request.name);
    let permit = app.authorize_question(&caller, &question).await?;
    without_nul("description", request.description.as_deref().unwrap_or_default())?;
    let id = RoleId::new();
    let (provider_id, source_id) = source(request.provider_id, request.source_id, id)?;
    let now_ms = app.clock.now_ms();
    let role = rows::Role {
        id,
        project_id: project.id,
        name: checked_name("name", request.name)?,
        description: request.description,
        provider_id,
        source_id,
        created_at_ms: now_ms,
        updated_at_ms: None,
    };
    let mut writer = app.store.begin(&permit).await?;
    if !writer.insert_role(&role).await? {
        return Err(taken(&role));
    }
    record(&mut writer, &permit, happened(EventKind::RoleCreated, &role), now_ms).await?;
    writer.commit().await?;
    Ok((StatusCode::CREATED, Json(role.into())))
}

/// Where the role's name comes from. A role that tokens name has both parts.
fn source(provider: Option<String>, source: Option<String>, id: RoleId) -> Result<(String, String)> {
    match (provider, source) {
        (None, None) => Ok((CATALOG.to_owned(), id.to_string())),
        (Some(provider), Some(source)) if provider != CATALOG => {
            Ok((checked_name("provider-id", provider)?, checked_source(source)?))
        }
        _ => Err(Error::bad_request(
            "`provider-id` and `source-id` come together: the name of an issuer in the configuration (`catalog` is none), and \
             what its tokens call the role",
        )),
    }
}

/// As long as a role of a token may be.
fn checked_source(source: String) -> Result<String> {
    let is_legal = !source.is_empty() && source.len() <= 512 && !source.chars().any(char::is_control);
    is_legal
        .then_some(source)
        .ok_or_else(|| Error::bad_request("`source-id` is 1 to 512 bytes without control characters"))
}

fn taken(role: &rows::Role) -> Error {
    Error::AlreadyExists(format!(
        "in project {} a role has the name `{}` or the source `{}` already; take others",
        role.project_id,
        role.name,
        role.ident()
    ))
}

/// A role with the permit for one action on it.
pub async fn role_for(app: &App, caller: &Caller, id: RoleId, action: Action) -> Result<(rows::Role, Permit)> {
    let Some(role) = app.store.role(id).await? else {
        app.absent_role(caller, id).await?;
        return Err(missing::role(id));
    };
    let permit = app.authorize(caller, action, Object::Role(&role)).await?;
    Ok((role, permit))
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}", tag = "role", operation_id = "get_role",
    summary = "Get Role", params(("role_id" = Uuid, Path), ("x-project-id" = Option<String>, Header)),
    responses((status = 200, body = Role), (status = "4XX", body = ErrorResponse)))]
pub async fn get_role(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<RoleId>) -> Result<Json<Role>> {
    let (role, _) = role_for(&app, &caller, id, Action::RoleDescribe).await?;
    Ok(Json(role.into()))
}

#[utoipa::path(get, path = "/management/v1/role/{role_id}/metadata", tag = "role",
    operation_id = "get_role_metadata", summary = "Get Role Metadata", params(("role_id" = Uuid, Path)),
    responses((status = 200, body = RoleMetadata), (status = "4XX", body = ErrorResponse)))]
pub async fn get_role_metadata(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
) -> Result<Json<RoleMetadata>> {
    let (role, _) = role_for(&app, &caller, id, Action::RoleDescribe).await?;
    Ok(Json(RoleMetadata {
        id: role.id.0,
        ident: role.ident(),
        name: role.name,
        project_id: role.project_id.as_str().to_owned(),
        provider_id: role.provider_id,
        source_id: role.source_id,
    }))
}

#[utoipa::path(post, path = "/management/v1/role/{role_id}", tag = "role", operation_id = "update_role",
    summary = "Update Role", params(("role_id" = Uuid, Path), ("x-project-id" = Option<String>, Header)),
    request_body = UpdateRoleRequest,
    responses((status = 200, body = Role), (status = "4XX", body = ErrorResponse)))]
pub async fn update_role(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    JsonBody(request): JsonBody<UpdateRoleRequest>,
) -> Result<Json<Role>> {
    let (role, permit) = role_for(&app, &caller, id, Action::RoleUpdate).await?;
    let name = checked_name("name", request.name)?;
    without_nul("description", request.description.as_deref().unwrap_or_default())?;
    change(&app, &permit, Part::Description, rows::Role { name, description: request.description, ..role }).await
}

#[utoipa::path(put, path = "/management/v1/role/{role_id}/source-system", tag = "role",
    operation_id = "update_role_source_system", summary = "Set the source system for a role",
    params(("role_id" = Uuid, Path), ("x-project-id" = Option<String>, Header)),
    request_body = UpdateRoleSourceSystemRequest,
    responses((status = 200, body = Role), (status = "4XX", body = ErrorResponse)))]
pub async fn update_role_source_system(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<RoleId>,
    JsonBody(request): JsonBody<UpdateRoleSourceSystemRequest>,
) -> Result<Json<Role>> {
    // Whoever the issuer says is in that group is in the role from now on.
    let (role, permit) = role_for(&app, &caller, id, Action::RoleManageMembers).await?;
    let (provider_id, source_id) = source(Some(request.provider_id), Some(request.source_id), id)?;
    change(&app, &permit, Part::Source, rows::Role { provider_id, source_id, ..role }).await
}

/// What of a role one request changes.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// The name, too.
    Description,
    Source,
}

/// Stores that part alone: the other one may have been changed since it was read, by somebody who may do more than this
/// caller.
async fn change(app: &App, permit: &Permit, part: Part, role: rows::Role) -> Result<Json<Role>> {
    let now_ms = app.clock.now_ms();
    let role = rows::Role { updated_at_ms: Some(now_ms), ..role };
    let mut writer = app.store.begin(permit).await?;
    let is_changed = match part {
        Part::Description => writer.describe_role(&role).await?,
        Part::Source => writer.set_role_source(&role).await?,
    };
    if !is_changed {
        return Err(taken(&role));
    }
    let role = writer.role(role.id).await?.ok_or_else(|| missing::role(role.id))?;
    record(&mut writer, permit, happened(EventKind::RoleUpdated, &role), now_ms).await?;
    writer.commit().await?;
    Ok(Json(role.into()))
}

#[utoipa::path(delete, path = "/management/v1/role/{role_id}", tag = "role", operation_id = "delete_role",
    summary = "Delete Role", params(("role_id" = Uuid, Path), ("x-project-id" = Option<String>, Header)),
    responses((status = 204, description = "deleted"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_role(State(app): State<Arc<App>>, caller: Caller, Ids(id): Ids<RoleId>) -> Result<StatusCode> {
    let (role, permit) = role_for(&app, &caller, id, Action::RoleDelete).await?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.delete_role(id).await? {
        return Err(missing::role(id));
    }
    record(&mut writer, &permit, happened(EventKind::RoleDeleted, &role), now_ms).await?;
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub fn happened(kind: EventKind, role: &rows::Role) -> Happened {
    let data = json!({ "name": role.name, "project-id": role.project_id.as_str(), "ident": role.ident() });
    Happened { kind, warehouse: None, subject: format!("role/{}", role.id), data }
}
