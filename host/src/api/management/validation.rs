//! Dry runs: would a warehouse work, does it still.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Ids, InProject, project_for, warehouse_for};
use super::profile::{Described, described as warehouse_object};
use super::storage::UpdateWarehouseStorageRequest;
use super::warehouses::{CreateWarehouseRequest, checked_warehouse_name};
use super::{ErrorModel, ErrorResponse};
use crate::api::extract::JsonBody;
use crate::api::respond::class;
use crate::api::vending::Trial;
use crate::api::warehouse_settings::WarehouseSettings;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::catalog::location::Location;
use crate::error::{Error, Result};
use crate::files::StorageProfile;
use crate::plugin::Parent;
use crate::store::rows::Warehouse;

#[derive(Serialize, ToSchema)]
pub struct ValidateWarehouseResponse {
    /// True when no check failed.
    pub valid: bool,
    /// Every check in the order it was made.
    pub checks: Vec<ValidationCheck>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ValidationCheck {
    pub name: CheckName,
    pub status: CheckStatus,
    /// Absent for skipped checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Why the check was skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What is wrong, for failed checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorModel>,
}

/// What is claimed of the configuration; the names are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ValidationCheckName)]
pub enum CheckName {
    ProfileWellFormed,
    ProfileCompatible,
    WarehouseNameValid,
    LocationExclusive,
    SpecMutable,
    FormatVersionPolicyConsistent,
    ManagedByAllowed,
    StorageClientInitialized,
    LakekeeperReadWrite,
    VendedCredentialsIssued,
    VendedCredentialsReadWrite,
    VendedCredentialsScopeEnforced,
    /// Not one of the contract's: what is signed works, nothing else does.
    RemoteSigningReadWrite,
    Cleanup,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ValidationCheckStatus)]
pub enum CheckStatus {
    Passed,
    Failed,
    Skipped,
}

const NOT_LOCAL: &str = "a local storage has no credentials to vend, no requests to sign";
const NOT_VENDED: &str = "the profile says `sts-enabled: false`: no keys are made";
const NOT_SIGNED: &str = "the profile says `remote-signing-enabled: false`";
const NEEDS_KEYS: &str = "no keys were made";
const NEEDS_PROFILE: &str = "the storage profile is not well-formed";
const NEEDS_ACCESS: &str = "the storage could not be opened";

/// Whose storage it is: the project, the warehouse, each by id with name.
type Owner = (Parent, Parent);

/// The checks made so far.
#[derive(Default)]
struct Report {
    checks: Vec<ValidationCheck>,
}

impl Report {
    /// Notes how a check ended; gives its value where it passed.
    fn note<T>(&mut self, name: CheckName, since: Instant, outcome: Result<T>) -> Option<T> {
        let duration_ms = Some(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX));
        let (status, error, value) = match outcome {
            Ok(value) => (CheckStatus::Passed, None, Some(value)),
            Err(error) => (CheckStatus::Failed, Some(model(&error)), None),
        };
        self.checks.push(ValidationCheck { name, status, duration_ms, reason: None, error });
        value
    }

    fn skip(&mut self, name: CheckName, reason: &'static str) {
        let status = CheckStatus::Skipped;
        self.checks.push(ValidationCheck { name, status, duration_ms: None, reason: Some(reason), error: None });
    }

    /// Whether the storage can be worked with: opened, written to, read from, listed, cleaned up; then what clients get of it.
    async fn try_storage(&mut self, (app, caller): (&App, &Caller), described: Option<&Described>, of: Owner) {
        let Some(described) = described else {
            for name in [CheckName::StorageClientInitialized, CheckName::LakekeeperReadWrite, CheckName::Cleanup] {
                self.skip(name, NEEDS_PROFILE);
            }
            return self.skip_clients(NEEDS_PROFILE);
        };
        let warehouse = warehouse_object(&of.0, &of.1);
        let since = Instant::now();
        let admitted = described.admit(app, &warehouse).await;
        if self.note(CheckName::StorageClientInitialized, since, admitted).is_none() {
            self.skip(CheckName::LakekeeperReadWrite, NEEDS_ACCESS);
            self.skip(CheckName::Cleanup, NEEDS_ACCESS);
            return self.skip_clients(NEEDS_ACCESS);
        }
        let since = Instant::now();
        // The probe removes its file, or fails.
        let probed = described.probe(app, &warehouse).await;
        match self.note(CheckName::LakekeeperReadWrite, since, probed) {
            None => {
                self.skip(CheckName::Cleanup, NEEDS_ACCESS);
                self.skip_clients(NEEDS_ACCESS);
            }
            Some(()) => {
                self.note(CheckName::Cleanup, since, Ok(()));
                self.try_clients((app, caller), described, of).await;
            }
        }
    }

    async fn try_clients(&mut self, (app, caller): (&App, &Caller), described: &Described, of: Owner) {
        let StorageProfile::S3(profile) = &described.profile else { return self.skip_clients(NOT_LOCAL) };
        let since = Instant::now();
        let trial = match described.trial((app, caller), of).await {
            Ok(trial) => trial,
            Err(error) => {
                self.note::<()>(CheckName::VendedCredentialsIssued, since, Err(error));
                self.skip(CheckName::VendedCredentialsReadWrite, NEEDS_KEYS);
                self.skip(CheckName::VendedCredentialsScopeEnforced, NEEDS_KEYS);
                return self.skip(CheckName::RemoteSigningReadWrite, NEEDS_ACCESS);
            }
        };
        match profile.sts_enabled {
            true => self.try_keys(&trial).await,
            false => self.skip_vending(NOT_VENDED),
        }
        match profile.remote_signing_enabled {
            true => {
                let since = Instant::now();
                self.note(CheckName::RemoteSigningReadWrite, since, trial.sign().await);
            }
            false => self.skip(CheckName::RemoteSigningReadWrite, NOT_SIGNED),
        }
    }

    async fn try_keys(&mut self, trial: &Trial<'_>) {
        let since = Instant::now();
        let Some(keys) = self.note(CheckName::VendedCredentialsIssued, since, trial.keys().await) else {
            self.skip(CheckName::VendedCredentialsReadWrite, NEEDS_KEYS);
            return self.skip(CheckName::VendedCredentialsScopeEnforced, NEEDS_KEYS);
        };
        let since = Instant::now();
        self.note(CheckName::VendedCredentialsReadWrite, since, trial.work_inside(&keys).await);
        let since = Instant::now();
        self.note(CheckName::VendedCredentialsScopeEnforced, since, trial.stay_inside(&keys).await);
    }

    fn skip_clients(&mut self, reason: &'static str) {
        self.skip_vending(reason);
        self.skip(CheckName::RemoteSigningReadWrite, reason);
    }

    fn skip_vending(&mut self, reason: &'static str) {
        self.skip(CheckName::VendedCredentialsIssued, reason);
        self.skip(CheckName::VendedCredentialsReadWrite, reason);
        self.skip(CheckName::VendedCredentialsScopeEnforced, reason);
    }

    fn finish(self) -> Json<ValidateWarehouseResponse> {
        let valid = self.checks.iter().all(|check| check.status != CheckStatus::Failed);
        Json(ValidateWarehouseResponse { valid, checks: self.checks })
    }
}

fn model(error: &Error) -> ErrorModel {
    let (status, kind) = class(error);
    ErrorModel { message: error.to_string(), kind: kind.to_owned(), code: status.as_u16() }
}

#[utoipa::path(post, path = "/management/v1/warehouse-creation-validation", tag = "warehouse",
    summary = "Validate Warehouse Configuration", request_body = CreateWarehouseRequest,
    params(("x-project-id" = Option<String>, Header, description = "the project; the default one when left out")),
    responses((status = 200, body = ValidateWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn validate_warehouse(
    State(app): State<Arc<App>>,
    caller: Caller,
    InProject(header): InProject,
    JsonBody(request): JsonBody<CreateWarehouseRequest>,
) -> Result<Json<ValidateWarehouseResponse>> {
    let project = request.project_id.as_deref().map_or(Ok(header), ProjectId::parse)?;
    let (project_row, _) = project_for(&app, &caller, &project, Action::ProjectCreateWarehouse).await?;
    let mut report = Report::default();
    let since = Instant::now();
    let described = Described::parse(&request.storage_profile, request.storage_credential.as_ref());
    let described = report.note(CheckName::ProfileWellFormed, since, described);
    let root = described.as_ref().map(|described| described.profile.root());

    let since = Instant::now();
    let name = free_name(&app, &project, &request.warehouse_name).await;
    report.note(CheckName::WarehouseNameValid, since, name);

    let since = Instant::now();
    match root {
        Some(root) => {
            let exclusive = exclusive_root(&app, root, None).await;
            report.note(CheckName::LocationExclusive, since, exclusive);
        }
        None => report.skip(CheckName::LocationExclusive, NEEDS_PROFILE),
    }

    let since = Instant::now();
    let mut settings = WarehouseSettings::default();
    let allowed = request.allowed_format_versions.unwrap_or_else(|| settings.allowed_format_versions.clone());
    let policy = settings.set_format_versions(allowed, request.default_format_version);
    report.note(CheckName::FormatVersionPolicyConsistent, since, policy);
    report.note(CheckName::ManagedByAllowed, since, Ok(()));

    let project = parent(project_row.id.as_str(), &project_row.name);
    let owner = (project, parent(&WarehouseId::new().to_string(), &request.warehouse_name));
    report.try_storage((&app, &caller), described.as_ref(), owner).await;
    Ok(report.finish())
}

fn parent(id: &str, name: &str) -> Parent {
    Parent { id: id.to_owned(), name: name.to_owned() }
}

async fn owner(app: &App, warehouse: &Warehouse) -> Result<Owner> {
    let project = app.store.project(&warehouse.project_id).await?.map(|project| project.name).unwrap_or_default();
    Ok((parent(warehouse.project_id.as_str(), &project), parent(&warehouse.id.to_string(), &warehouse.name)))
}

async fn free_name(app: &App, project: &ProjectId, name: &str) -> Result<()> {
    let name = checked_warehouse_name("warehouse-name", name.to_owned())?;
    match app.store.warehouse_by_name(project, &name).await? {
        None => Ok(()),
        Some(_) => Err(super::warehouses::name_taken(&name)),
    }
}

/// Every warehouse has its files to itself, whatever project it belongs to.
async fn exclusive_root(app: &App, root: &Location, own: Option<WarehouseId>) -> Result<()> {
    match app.store.warehouse_overlapping(root, own).await? {
        None => Ok(()),
        Some(taken) => Err(super::warehouses::root_taken(root, &taken)),
    }
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/storage/validate-access", tag = "warehouse",
    summary = "Validate Stored Warehouse Configuration", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, body = ValidateWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn validate_storage_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<Json<ValidateWarehouseResponse>> {
    let (warehouse, _) = warehouse_for(&app, &caller, id, Action::WarehouseUpdate).await?;
    let mut report = Report::default();
    let since = Instant::now();
    let access = app.storage_of(&warehouse).await;
    let described =
        access.map(|access| Described { profile: access.profile.clone(), credential: access.credential.clone() });
    let described = report.note(CheckName::ProfileWellFormed, since, described);
    let owner = owner(&app, &warehouse).await?;
    report.try_storage((&app, &caller), described.as_ref(), owner).await;
    Ok(report.finish())
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/storage/validate-profile", tag = "warehouse",
    summary = "Validate Storage Profile Update", params(("warehouse_id" = Uuid, Path)),
    request_body = UpdateWarehouseStorageRequest,
    responses((status = 200, body = ValidateWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn validate_storage_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UpdateWarehouseStorageRequest>,
) -> Result<Json<ValidateWarehouseResponse>> {
    let (warehouse, _) = warehouse_for(&app, &caller, id, Action::WarehouseUpdate).await?;
    let mut report = Report::default();
    let since = Instant::now();
    let described = Described::parse(&request.storage_profile, request.storage_credential.as_ref());
    let described = report.note(CheckName::ProfileWellFormed, since, described);
    report.note(CheckName::SpecMutable, since, Ok(()));
    let root = described.as_ref().map(|described| described.profile.root());
    match root {
        Some(root) => {
            let compatible = super::warehouse_settings::keeps_tables(&warehouse, root);
            report.note(CheckName::ProfileCompatible, since, compatible);
            let exclusive = exclusive_root(&app, root, Some(id)).await;
            report.note(CheckName::LocationExclusive, since, exclusive);
        }
        None => {
            report.skip(CheckName::ProfileCompatible, NEEDS_PROFILE);
            report.skip(CheckName::LocationExclusive, NEEDS_PROFILE);
        }
    }
    let owner = owner(&app, &warehouse).await?;
    report.try_storage((&app, &caller), described.as_ref(), owner).await;
    Ok(report.finish())
}
