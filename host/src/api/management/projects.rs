//! Projects: what warehouses are grouped in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, InProject, project_for, project_if_there};
use crate::api::authorize::{Object, Question};
use crate::api::extract::JsonBody;
use crate::api::project_settings::TaskLogCleanup;
use crate::api::record::{Happened, record};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::ProjectId;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::store::Writer;
use crate::store::rows::Project;
use crate::tasks::project_cleanup;
use crate::tasks::queue::Queue;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GetProjectResponse {
    pub project_id: String,
    pub project_name: String,
}

#[derive(Serialize, ToSchema)]
pub struct ListProjectsResponse {
    pub projects: Vec<GetProjectResponse>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateProjectRequest {
    pub project_name: String,
    /// The id to give it; a new one when left out.
    pub project_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateProjectResponse {
    pub project_id: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RenameProjectRequest {
    pub new_name: String,
}

impl From<Project> for GetProjectResponse {
    fn from(project: Project) -> Self {
        Self { project_id: project.id.as_str().to_owned(), project_name: project.name }
    }
}

/// How many projects are read at a time while all are listed.
const PAGE: u32 = 1_000;

#[utoipa::path(get, path = "/management/v1/project-list", tag = "project", summary = "List Projects",
    responses((status = 200, body = ListProjectsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_projects(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<ListProjectsResponse>> {
    app.authorize(&caller, Action::ServerListProjects, Object::Server).await?;
    let mut projects = Vec::new();
    let mut after: Option<ProjectId> = None;
    loop {
        let page = app.store.projects_page(after.as_ref(), PAGE).await?;
        after = page.last().map(|project| project.id.clone());
        let objects: Vec<Object<'_>> = page.iter().map(Object::Project).collect();
        let seen = app.sees(&caller, &objects).await?;
        let last = page.len() < PAGE as usize;
        projects.extend(page.into_iter().zip(seen).filter_map(|(project, seen)| seen.then(|| project.into())));
        if last {
            return Ok(Json(ListProjectsResponse { projects }));
        }
    }
}

#[utoipa::path(get, path = "/management/v1/project", tag = "project", summary = "Get Project",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 200, body = GetProjectResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_project(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(id): InProject,
) -> Result<Json<GetProjectResponse>> {
    let (project, _) = project_for(&app, &caller, &id, Action::ProjectDescribe).await?;
    Ok(Json(project.into()))
}

#[utoipa::path(get, path = "/management/v1/project/{project_id}", tag = "project", summary = "Get Project by id",
    params(("project_id" = String, Path)),
    responses((status = 200, body = GetProjectResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_project_by_id(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<Json<GetProjectResponse>> {
    get_project(State(app), caller, InProject(ProjectId::parse(&id)?)).await
}

#[utoipa::path(post, path = "/management/v1/project", tag = "project", summary = "Create Project",
    request_body = CreateProjectRequest,
    responses((status = 201, body = CreateProjectResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn create_project(
    State(app): State<Arc<App>>,
    caller: Caller,
    JsonBody(request): JsonBody<CreateProjectRequest>,
) -> Result<(StatusCode, Json<CreateProjectResponse>)> {
    let question = Question::new(Action::ServerCreateProject, Object::Server).naming(&request.project_name);
    let permit = app.authorize_question(&caller, &question).await?;
    let now_ms = app.clock.now_ms();
    let id = match &request.project_id {
        Some(id) => ProjectId::parse(id)?,
        None => ProjectId::parse(&Uuid::now_v7().to_string())?,
    };
    let name = checked_name("project-name", request.project_name)?;
    let project = Project { id, name, created_at_ms: now_ms, updated_at_ms: None };
    let mut writer = app.store.begin(&permit).await?;
    if !writer.insert_project(&project).await? {
        return Err(Error::AlreadyExists(format!("Project already exists: {}; take another id", project.id)));
    }
    writer.enqueue_task(&project_cleanup::next(&project.id, TaskLogCleanup::default(), now_ms)).await?;
    record(&mut writer, &permit, happened(EventKind::ProjectCreated, &project), now_ms).await?;
    writer.commit().await?;
    app.tell_created(&caller, Object::Project(&project)).await;
    Ok((StatusCode::CREATED, Json(CreateProjectResponse { project_id: project.id.as_str().to_owned() })))
}

#[utoipa::path(post, path = "/management/v1/project/rename", tag = "project", summary = "Rename Project",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    request_body = RenameProjectRequest,
    responses((status = 200, description = "renamed"), (status = "4XX", body = ErrorResponse)))]
pub async fn rename_project(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(id): InProject,
    JsonBody(request): JsonBody<RenameProjectRequest>,
) -> Result<StatusCode> {
    let mut project = project_if_there(&app, &caller, &id).await?;
    let question = Question::new(Action::ProjectRename, Object::Project(&project)).naming(&request.new_name);
    let permit = app.authorize_question(&caller, &question).await?;
    project.name = checked_name("new-name", request.new_name)?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.rename_project(&id, &project.name, now_ms).await? {
        return Err(crate::api::authorize::missing::project(id.as_str()));
    }
    record(&mut writer, &permit, happened(EventKind::ProjectRenamed, &project), now_ms).await?;
    writer.commit().await?;
    Ok(StatusCode::OK)
}

#[utoipa::path(post, path = "/management/v1/project/{project_id}/rename", tag = "project",
    summary = "Rename Project by id", params(("project_id" = String, Path)), request_body = RenameProjectRequest,
    responses((status = 200, description = "renamed"), (status = "4XX", body = ErrorResponse)))]
pub async fn rename_project_by_id(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
    body: JsonBody<RenameProjectRequest>,
) -> Result<StatusCode> {
    rename_project(State(app), caller, InProject(ProjectId::parse(&id)?), body).await
}

#[utoipa::path(delete, path = "/management/v1/project", tag = "project", summary = "Delete Project",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 204, description = "deleted"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_project(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(id): InProject,
) -> Result<StatusCode> {
    let (project, permit) = project_for(&app, &caller, &id, Action::ProjectDelete).await?;
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if !writer.delete_project(&id).await? {
        return Err(Error::Conflict(format!("Project {id} is not empty: delete its warehouses first")));
    }
    writer.cancel_entity_task(Queue::TaskLogCleanup.as_str(), project_cleanup::entity_of(&id), now_ms).await?;
    record(&mut writer, &permit, happened(EventKind::ProjectDeleted, &project), now_ms).await?;
    writer.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(delete, path = "/management/v1/project/{project_id}", tag = "project", summary = "Delete Project by id",
    params(("project_id" = String, Path)),
    responses((status = 204, description = "deleted"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_project_by_id(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<String>,
) -> Result<StatusCode> {
    delete_project(State(app), caller, InProject(ProjectId::parse(&id)?)).await
}

/// Makes the default project where there is none yet.
pub async fn insert_default(writer: &mut Writer, now_ms: i64) -> Result<()> {
    let id = ProjectId::unnamed();
    let project = Project { id, name: "default".into(), created_at_ms: now_ms, updated_at_ms: None };
    writer.insert_project(&project).await?;
    writer.enqueue_task(&project_cleanup::next(&project.id, TaskLogCleanup::default(), now_ms)).await.map(drop)
}

fn happened(kind: EventKind, project: &Project) -> Happened {
    Happened {
        kind,
        warehouse: None,
        subject: format!("project/{}", project.id),
        data: json!({"project-id": project.id.as_str(), "project-name": project.name}),
    }
}

/// The longest name of a project or a warehouse.
const NAME_BYTES_MAX: usize = 128;

/// A name that is there, is not too long, holds no control characters.
pub fn checked_name(field: &str, name: String) -> Result<String> {
    let legal = !name.trim().is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control);
    if !legal {
        return Err(Error::BadRequest(format!(
            "`{field}` is 1 to {NAME_BYTES_MAX} bytes without control characters, found {} bytes",
            name.len()
        )));
    }
    Ok(name)
}
