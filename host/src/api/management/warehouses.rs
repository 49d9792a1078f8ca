//! Warehouses: create, get, list, delete.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::extract::{Ids, InProject, project_for, project_if_there, warehouse_for};
use super::profile::{Described, SentCredential, StorageCredentialBody, StorageCredentialType, StorageProfileBody};
use super::projects::checked_name;
use super::storage::{put_secret, sealed};
use super::times::Timestamp;
use crate::api::authorize::{Object, Question};
use crate::api::extract::{JsonBody, QueryOf};
use crate::api::record::{Happened, record};
use crate::api::storage_access::stored_profile;
use crate::api::warehouse_settings::{ManagedBy, WarehouseSettings};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::files::StorageProfile;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{DeleteProfile, StoredSecret, Warehouse, WarehouseStatus};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CreateWarehouseRequest {
    /// Unique in its project, without `/`.
    pub warehouse_name: String,
    /// The project; the header `x-project-id` is the newer way to name it.
    pub project_id: Option<String>,
    #[schema(value_type = StorageProfileBody)]
    pub storage_profile: Value,
    /// The key to the storage. A local one has none; an s3 one cannot be without.
    #[schema(value_type = Option<StorageCredentialBody>)]
    pub storage_credential: Option<SentCredential>,
    pub delete_profile: Option<TabularDeleteProfile>,
    pub allowed_format_versions: Option<Vec<i32>>,
    pub default_format_version: Option<i32>,
    pub managed_by: Option<ManagedBy>,
}

/// What dropping a table or a view does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum TabularDeleteProfile {
    /// It is gone at once.
    Hard {},
    /// It can be brought back until it expires.
    Soft { expiration_seconds: i64 },
}

/// A hundred years. What expires later than in the year 9999 could not be written as a time.
const EXPIRATION_SECONDS_MAX: i64 = 100 * 365 * 24 * 60 * 60;

impl TabularDeleteProfile {
    /// 400 where the time to expire is not a time to come.
    pub fn checked(self) -> Result<DeleteProfile> {
        match self {
            Self::Hard {} => Ok(DeleteProfile::Hard),
            Self::Soft { expiration_seconds } if (1..=EXPIRATION_SECONDS_MAX).contains(&expiration_seconds) => {
                Ok(DeleteProfile::Soft { expiration_seconds })
            }
            Self::Soft { expiration_seconds } => Err(Error::BadRequest(format!(
                "`expiration-seconds` of a soft delete profile is from 1 to {EXPIRATION_SECONDS_MAX}, found \
                 {expiration_seconds}"
            ))),
        }
    }
}

impl From<DeleteProfile> for TabularDeleteProfile {
    fn from(profile: DeleteProfile) -> Self {
        match profile {
            DeleteProfile::Hard => Self::Hard {},
            DeleteProfile::Soft { expiration_seconds } => Self::Soft { expiration_seconds },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = WarehouseStatus)]
pub enum Status {
    Active,
    Inactive,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct GetWarehouseResponse {
    /// The same as `warehouse-id`.
    #[schema(deprecated)]
    pub id: Uuid,
    pub warehouse_id: Uuid,
    pub name: String,
    pub project_id: String,
    #[schema(value_type = StorageProfileBody)]
    pub storage_profile: StorageProfile,
    /// Which kind of key the storage has; the key itself is never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_credential_type: Option<StorageCredentialType>,
    pub delete_profile: TabularDeleteProfile,
    pub status: Status,
    pub protected: bool,
    pub allowed_format_versions: Vec<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_format_version: Option<i32>,
    pub managed_by: ManagedBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
pub struct ListWarehousesResponse {
    pub warehouses: Vec<GetWarehouseResponse>,
}

impl TryFrom<Warehouse> for GetWarehouseResponse {
    type Error = Error;

    fn try_from(warehouse: Warehouse) -> Result<Self> {
        let settings = WarehouseSettings::from_stored(&warehouse.settings)?;
        let storage_profile = stored_profile(&warehouse.storage_profile)?;
        let kind = storage_profile.kind();
        Ok(Self {
            id: warehouse.id.0,
            warehouse_id: warehouse.id.0,
            storage_profile,
            storage_credential_type: settings
                .storage_credential_type
                .map(|credential_type| StorageCredentialType { kind, credential_type }),
            name: warehouse.name,
            project_id: warehouse.project_id.as_str().to_owned(),
            delete_profile: warehouse.delete_profile.into(),
            status: match warehouse.status {
                WarehouseStatus::Active => Status::Active,
                WarehouseStatus::Inactive => Status::Inactive,
            },
            protected: warehouse.protected,
            allowed_format_versions: settings.allowed_format_versions,
            default_format_version: settings.default_format_version,
            managed_by: settings.managed_by,
            updated_at: warehouse.updated_at_ms.map(Timestamp),
        })
    }
}

#[utoipa::path(post, path = "/management/v1/warehouse", tag = "warehouse", summary = "Create Warehouse",
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    request_body = CreateWarehouseRequest,
    responses((status = 201, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn create_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(header): InProject,
    JsonBody(request): JsonBody<CreateWarehouseRequest>,
) -> Result<(StatusCode, Json<GetWarehouseResponse>)> {
    let project = request.project_id.as_deref().map_or(Ok(header), ProjectId::parse)?;
    let permit = may_create(&app, &caller, &project, &request.warehouse_name).await?;
    let now_ms = app.clock.now_ms();
    let described = Described::parse(&request.storage_profile, request.storage_credential.as_ref())?;
    let warehouse = new_warehouse(&project, request, &described, now_ms)?;
    let object = app.object_for_plugins(&Object::Warehouse(&warehouse)).await?;
    described.refuse_unusable(&app, &object).await?;
    let secret = sealed(&app, warehouse.id, described.credential.as_ref()).await?;
    if let Err(error) = insert(&app, &permit, &warehouse, secret.as_ref()).await {
        if !matches!(error, Error::CommitStateUnknown(_)) {
            app.forget_secret(warehouse.id).await;
        }
        return Err(error);
    }
    app.tell_created(&caller, Object::Warehouse(&warehouse)).await;
    Ok((StatusCode::CREATED, Json(warehouse.try_into()?)))
}

/// Row, secret, event in one transaction.
async fn insert(app: &App, permit: &Permit, warehouse: &Warehouse, secret: Option<&StoredSecret>) -> Result<()> {
    let mut writer = app.store.begin(permit).await?;
    claim_root(&mut writer, warehouse).await?;
    if !writer.insert_warehouse(warehouse).await? {
        return Err(name_taken(&warehouse.name));
    }
    put_secret(&mut writer, warehouse, secret).await?;
    let happened = Happened::to_warehouse(EventKind::WarehouseCreated, warehouse);
    record(&mut writer, permit, happened, warehouse.created_at_ms).await?;
    writer.commit().await
}

async fn may_create(app: &App, caller: &Caller, id: &ProjectId, name: &str) -> Result<Permit> {
    let project = project_if_there(app, caller, id).await?;
    let question = Question::new(Action::ProjectCreateWarehouse, Object::Project(&project)).naming(name);
    app.authorize_question(caller, &question).await
}

/// The row that a request describes. 400 where it describes none.
fn new_warehouse(
    project: &ProjectId,
    request: CreateWarehouseRequest,
    described: &Described,
    now_ms: i64,
) -> Result<Warehouse> {
    let mut settings = WarehouseSettings {
        managed_by: request.managed_by.unwrap_or_default(),
        storage_credential_type: described.credential.as_ref().map(|credential| credential.kind().to_owned()),
        ..Default::default()
    };
    let allowed = request.allowed_format_versions.unwrap_or_else(|| settings.allowed_format_versions.clone());
    settings.set_format_versions(allowed, request.default_format_version)?;
    Ok(Warehouse {
        id: WarehouseId::new(),
        project_id: project.clone(),
        name: checked_warehouse_name("warehouse-name", request.warehouse_name)?,
        status: WarehouseStatus::Active,
        root: described.profile.root().clone(),
        storage_profile: described.profile_text()?,
        delete_profile: request.delete_profile.map_or(Ok(DeleteProfile::Hard), TabularDeleteProfile::checked)?,
        protected: false,
        settings: settings.to_stored()?,
        version: 1,
        created_at_ms: now_ms,
        updated_at_ms: None,
    })
}

/// Every warehouse has its files to itself, whatever project it belongs to.
async fn claim_root(writer: &mut Writer, warehouse: &Warehouse) -> Result<()> {
    match writer.claim_root(&warehouse.root, warehouse.id).await? {
        None => Ok(()),
        Some(taken) => Err(root_taken(&warehouse.root, &taken)),
    }
}

pub fn name_taken(name: &str) -> Error {
    Error::AlreadyExists(format!("Warehouse already exists: {name}; choose another name"))
}

/// Where the other one lies is told to the operator alone: it may be in a project that the caller knows nothing of.
pub fn root_taken(root: &Location, taken: &Location) -> Error {
    tracing::info!(root = root.as_str(), taken = taken.as_str(), "a warehouse would share files with another one");
    Error::Conflict(format!(
        "a warehouse at `{root}` would share files with another one, maybe in another project; choose a root that \
         neither contains another warehouse's nor lies in one"
    ))
}

/// Stores a changed warehouse that was read at `read_version`.
pub async fn update(writer: &mut Writer, warehouse: &Warehouse, read_version: i64) -> Result<()> {
    claim_root(writer, warehouse).await?;
    if writer.update_warehouse(warehouse, read_version).await? {
        return Ok(());
    }
    if writer.warehouse_name_taken(&warehouse.project_id, &warehouse.name, warehouse.id).await? {
        return Err(name_taken(&warehouse.name));
    }
    Err(Error::Conflict(format!("warehouse {} has just been changed by somebody else; retry", warehouse.name)))
}

/// `/` separates project and warehouse in `warehouse=project/name`.
pub fn checked_warehouse_name(field: &str, name: String) -> Result<String> {
    if name.contains('/') {
        return Err(Error::BadRequest(format!("`{field}` must not contain `/`, found `{name}`")));
    }
    checked_name(field, name)
}

#[utoipa::path(get, path = "/management/v1/warehouse", tag = "warehouse", summary = "List Warehouses",
    params(
        ("warehouseStatus" = Option<Vec<Status>>, Query, description = "which to list; the active ones when left out"),
        ("projectId" = Option<String>, Query, deprecated, description = "the project; the header is the newer way"),
        ("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 200, body = ListWarehousesResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn list_warehouses(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(header): InProject,
    RawQuery(query): RawQuery,
) -> Result<Json<ListWarehousesResponse>> {
    let filter = Filter::parse(query.as_deref().unwrap_or_default())?;
    let project = filter.project.unwrap_or(header);
    project_for(&app, &caller, &project, Action::ProjectListWarehouses).await?;
    let rows = app.store.warehouses(&project, &filter.statuses).await?;
    let objects: Vec<Object<'_>> = rows.iter().map(Object::Warehouse).collect();
    let seen = app.sees(&caller, &objects).await?;
    let visible = rows.into_iter().zip(seen).filter(|(_, seen)| *seen);
    let warehouses = visible.map(|(row, _)| row.try_into()).collect::<Result<_>>()?;
    Ok(Json(ListWarehousesResponse { warehouses }))
}

/// The query of a listing; `warehouseStatus` may come more than once.
struct Filter {
    statuses: Vec<WarehouseStatus>,
    project: Option<ProjectId>,
}

impl Filter {
    fn parse(query: &str) -> Result<Self> {
        let mut filter = Self { statuses: Vec::new(), project: None };
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match (key.as_ref(), value.as_ref()) {
                ("warehouseStatus", "active") => filter.statuses.push(WarehouseStatus::Active),
                ("warehouseStatus", "inactive") => filter.statuses.push(WarehouseStatus::Inactive),
                ("warehouseStatus", other) => {
                    return Err(Error::BadRequest(format!(
                        "warehouseStatus={other} is not known: expected `active` or `inactive`"
                    )));
                }
                ("projectId", id) => filter.project = Some(ProjectId::parse(id)?),
                _ => {}
            }
        }
        if filter.statuses.is_empty() {
            filter.statuses.push(WarehouseStatus::Active);
        }
        Ok(filter)
    }
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}", tag = "warehouse", summary = "Get Warehouse",
    params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<Json<GetWarehouseResponse>> {
    let (warehouse, _) = warehouse_for(&app, &caller, id, Action::WarehouseDescribe).await?;
    Ok(Json(warehouse.try_into()?))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DeleteQuery {
    force: bool,
}

#[utoipa::path(delete, path = "/management/v1/warehouse/{warehouse_id}", tag = "warehouse",
    summary = "Delete Warehouse",
    params(("warehouse_id" = Uuid, Path), ("force" = Option<bool>, Query, description = "overrides protection")),
    responses((status = 204, description = "deleted"), (status = "4XX", body = ErrorResponse)))]
pub async fn delete_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    QueryOf(query): QueryOf<DeleteQuery>,
) -> Result<StatusCode> {
    let (warehouse, permit) = warehouse_for(&app, &caller, id, Action::WarehouseDelete).await?;
    if warehouse.protected && !query.force {
        return Err(Error::Conflict(format!(
            "warehouse {} is protected: lift its protection, or delete it with `force=true`",
            warehouse.name
        )));
    }
    let now_ms = app.clock.now_ms();
    let mut writer = app.store.begin(&permit).await?;
    if writer.has_active_tasks(id).await? {
        return Err(Error::Conflict(format!(
            "warehouse {} has unfinished tasks, e.g. purges of dropped tables: wait until they are done, or cancel them",
            warehouse.name
        )));
    }
    if !writer.delete_warehouse(id, query.force).await? {
        return Err(Error::Conflict(format!(
            "warehouse {} is not empty, or was protected meanwhile: drop its namespaces first; soft-deleted tables \
             keep theirs until they expire",
            warehouse.name
        )));
    }
    record(&mut writer, &permit, Happened::to_warehouse(EventKind::WarehouseDeleted, &warehouse), now_ms).await?;
    writer.commit().await?;
    app.forget_secret(id).await;
    Ok(StatusCode::NO_CONTENT)
}
