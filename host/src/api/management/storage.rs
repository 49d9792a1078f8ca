//! The storage of a warehouse that is there: another profile, another key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::ErrorResponse;
use super::extract::{Ids, warehouse_for};
use super::profile::{Described, SentCredential, StorageCredentialBody, StorageProfileBody, parse_credential};
use super::warehouse_settings::keeps_tables;
use super::warehouses::GetWarehouseResponse;
use crate::api::authorize::Object;
use crate::api::extract::JsonBody;
use crate::api::record::{Happened, record};
use crate::api::storage_access::stored_profile;
use crate::api::warehouse_settings::WarehouseSettings;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::WarehouseId;
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::files::StorageCredential;
use crate::permit::Permit;
use crate::store::Writer;
use crate::store::rows::{StoredSecret, Warehouse};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateWarehouseStorageRequest {
    #[schema(value_type = StorageProfileBody)]
    pub storage_profile: Value,
    /// The key to the storage; the one that was set before is not used again.
    #[schema(value_type = Option<StorageCredentialBody>)]
    pub storage_credential: Option<SentCredential>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UpdateWarehouseCredentialRequest {
    /// The key that takes the place of the one before; an s3 storage cannot be without.
    #[schema(value_type = Option<StorageCredentialBody>)]
    pub new_storage_credential: Option<SentCredential>,
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/storage", tag = "warehouse",
    summary = "Update Storage Profile", params(("warehouse_id" = Uuid, Path)),
    request_body = UpdateWarehouseStorageRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn update_storage_profile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UpdateWarehouseStorageRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let described = Described::parse(&request.storage_profile, request.storage_credential.as_ref())?;
    let (warehouse, permit) = warehouse_for(&app, &caller, id, Action::WarehouseUpdate).await?;
    keeps_tables(&warehouse, described.profile.root())?;
    let changed = change_storage(&app, &permit, warehouse, described).await?;
    Ok(Json(changed.try_into()?))
}

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/storage-credential", tag = "warehouse",
    summary = "Update Storage Credential", params(("warehouse_id" = Uuid, Path)),
    request_body = UpdateWarehouseCredentialRequest,
    responses((status = 200, body = GetWarehouseResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn update_storage_credential(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<UpdateWarehouseCredentialRequest>,
) -> Result<Json<GetWarehouseResponse>> {
    let credential = parse_credential(request.new_storage_credential.as_ref())?;
    let (warehouse, permit) = warehouse_for(&app, &caller, id, Action::WarehouseUpdate).await?;
    let profile = stored_profile(&warehouse.storage_profile)?;
    let described = Described { profile, credential }.fitting()?;
    let changed = change_storage(&app, &permit, warehouse, described).await?;
    Ok(Json(changed.try_into()?))
}

/// Tries the storage out, then stores profile and key in one transaction. 409 where somebody else changed the warehouse
/// in between.
async fn change_storage(app: &App, permit: &Permit, warehouse: Warehouse, described: Described) -> Result<Warehouse> {
    let object = app.object_for_plugins(&Object::Warehouse(&warehouse)).await?;
    described.refuse_unusable(app, &object).await?;
    let (mut changed, read_version) = (warehouse.clone(), warehouse.version);
    let now_ms = app.clock.now_ms();
    changed.version = read_version + 1;
    changed.updated_at_ms = Some(now_ms);
    changed.root = described.profile.root().clone();
    changed.storage_profile = described.profile_text()?;
    let mut settings = WarehouseSettings::from_stored(&changed.settings)?;
    settings.storage_credential_type = described.credential.as_ref().map(|credential| credential.kind().to_owned());
    changed.settings = settings.to_stored()?;
    let secret = sealed(app, changed.id, described.credential.as_ref()).await?;
    let mut writer = app.store.begin(permit).await?;
    super::warehouses::update(&mut writer, &changed, read_version).await?;
    put_secret(&mut writer, &changed, secret.as_ref()).await?;
    record(&mut writer, permit, Happened::to_warehouse(EventKind::WarehouseUpdated, &changed), now_ms).await?;
    writer.commit().await?;
    if secret.is_none() {
        app.forget_secret(changed.id).await;
    }
    Ok(changed)
}

/// The credential as the ledger keeps it. 400 where this server has no key to encrypt it with.
pub async fn sealed(
    app: &App,
    warehouse: WarehouseId,
    credential: Option<&StorageCredential>,
) -> Result<Option<StoredSecret>> {
    match credential {
        Some(credential) => app.sealed(warehouse, credential).await.map(Some),
        None => Ok(None),
    }
}

/// Keeps the secret beside the warehouse; one without a secret has none left.
pub async fn put_secret(writer: &mut Writer, warehouse: &Warehouse, secret: Option<&StoredSecret>) -> Result<()> {
    let Some(secret) = secret else {
        writer.delete_secret(warehouse.id).await?;
        return Ok(());
    };
    match writer.put_secret(secret).await? {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "the credential of warehouse {} has just been changed by somebody else; retry",
            warehouse.name
        ))),
    }
}
