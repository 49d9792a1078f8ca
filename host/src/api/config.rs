//! `GET /v1/config`: which warehouse a client means, what the catalog can do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::authorize::Object;
use super::edge::PublicUrl;
use super::extract::{InProject, QueryOf};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::error::Error;
use crate::store::rows::{Warehouse, WarehouseStatus};

/// Every operation that is served; clients use no other.
pub const ENDPOINTS: &[&str] = &[
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "POST /v1/{prefix}/namespaces/{namespace}/properties",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/unregister",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics",
    "POST /v1/{prefix}/namespaces/{namespace}/register",
    "POST /v1/{prefix}/tables/rename",
    "POST /v1/{prefix}/transactions/commit",
    "GET /v1/{prefix}/namespaces/{namespace}/views",
    "POST /v1/{prefix}/namespaces/{namespace}/views",
    "GET /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/views/{view}",
    "POST /v1/{prefix}/namespaces/{namespace}/register-view",
    "POST /v1/{prefix}/views/rename",
];

#[derive(Debug, Deserialize)]
pub struct ConfigQuery {
    warehouse: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CatalogConfig {
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    defaults: Map<String, Value>,
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    overrides: Map<String, Value>,
    endpoints: Vec<&'static str>,
    /// ISO 8601; its presence tells clients that `Idempotency-Key` is honoured.
    idempotency_key_lifetime: String,
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    QueryOf(query): QueryOf<ConfigQuery>,
    InProject(project): InProject,
    PublicUrl(public_url): PublicUrl,
) -> Result<Json<CatalogConfig>, Error> {
    let warehouse = match query.warehouse.as_deref().filter(|asked| !asked.is_empty()) {
        Some(asked) => named(&app, &caller, asked, project).await?,
        None => only_one(&app, &caller, &project).await?,
    };
    let mut overrides = Map::new();
    overrides.insert("prefix".into(), json!(warehouse.id));
    if let Some(url) = public_url {
        overrides.insert("uri".into(), json!(format!("{url}/catalog")));
    }
    if let Some(separator) = &app.config.catalog.namespace_separator {
        overrides.insert("namespace-separator".into(), json!(separator));
    }
    Ok(Json(CatalogConfig {
        defaults: Map::new(),
        overrides,
        endpoints: ENDPOINTS.to_vec(),
        idempotency_key_lifetime: format!("PT{}S", app.config.catalog.idempotency_key_lifetime_s),
    }))
}

/// `name`, `project/name` or the id; unknown, inactive and hidden ones answer with the same words.
async fn named(app: &App, caller: &Caller, asked: &str, project: ProjectId) -> Result<Warehouse, Error> {
    let absent = || Error::NoSuchWarehouse(format!("Warehouse does not exist: {asked}"));
    let (within, name) = match asked.split_once('/') {
        Some((project, name)) => (ProjectId::parse(project).map_err(|_| absent())?, name),
        None => (project, asked),
    };
    let found = match asked.parse::<WarehouseId>() {
        Ok(id) => app.store.warehouse(id).await?,
        Err(_) => app.store.warehouse_by_name(&within, name).await?,
    };
    let Some(warehouse) = found.filter(|warehouse| warehouse.status == WarehouseStatus::Active) else {
        app.absent_warehouse(caller, asked, Some(&within)).await?;
        return Err(absent());
    };
    match app.sees(caller, &[Object::Warehouse(&warehouse)]).await?.as_slice() {
        [true] => Ok(warehouse),
        _ => Err(absent()),
    }
}

/// Without a name the only warehouse that the caller may see is meant.
async fn only_one(app: &App, caller: &Caller, project: &ProjectId) -> Result<Warehouse, Error> {
    let warehouses = app.store.warehouses(project, &[WarehouseStatus::Active]).await?;
    let objects: Vec<Object<'_>> = warehouses.iter().map(Object::Warehouse).collect();
    let seen = app.sees(caller, &objects).await?;
    let mut visible = warehouses.into_iter().zip(seen).filter_map(|(warehouse, seen)| seen.then_some(warehouse));
    match (visible.next(), visible.next()) {
        (Some(warehouse), None) => Ok(warehouse),
        _ => Err(Error::bad_request(
            "which warehouse? Name one: `?warehouse=<name>`, `?warehouse=<project>/<name>` or `?warehouse=<id>` \
             (in clients the property `warehouse`)",
        )),
    }
}
