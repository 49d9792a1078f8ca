//! `GET …/tables/{table}/credentials`: credentials for a table's files, none where nothing can be vended.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::engines::Through;
use super::extract::{OfTable, QueryOf};
use super::vending::Delegation;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Error;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LoadCredentialsResponse {
    #[schema(value_type = Vec<Object>)]
    storage_credentials: Vec<serde_json::Value>,
}

/// New keys, or those that are not past half their life. A local warehouse has none: whoever reaches its files reaches them
/// by the file system's own rights.
pub async fn load(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: OfTable,
    QueryOf(through): QueryOf<Through>,
) -> Result<Json<LoadCredentialsResponse>, Error> {
    let acting = app.on_behalf(&caller, target.warehouse, through.views.as_deref()).await?;
    let row = app.table(&acting, target).await?;
    let (_permit, access) = app.authorize_load(&acting, &row).await?;
    let files = app.file_access(&acting, &row, access, Delegation::VENDED).await?;
    Ok(Json(LoadCredentialsResponse { storage_credentials: files.storage_credentials() }))
}
