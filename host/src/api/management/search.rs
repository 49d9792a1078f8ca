//! What a warehouse holds: found by a part of a name, counted.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ErrorResponse;
use super::deleted::TabularIdentUuid;
use super::extract::{Ids, warehouse_for};
use super::hits::Hits;
use super::times::Timestamp;
use crate::api::authorize::Object;
use crate::api::extract::JsonBody;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::WarehouseId;
use crate::error::{Error, Result};
use crate::store::rows::Tabular;

#[derive(Deserialize, ToSchema)]
pub struct SearchTabularRequest {
    /// A part of a name, or the id of a table, of a view, of the namespace that they lie in; what is longer than 64
    /// characters is cut.
    pub search: String,
}

#[derive(Serialize, ToSchema)]
pub struct SearchTabularResponse {
    pub tabulars: Vec<SearchTabular>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SearchTabular {
    pub namespace_name: Vec<String>,
    pub tabular_name: String,
    pub tabular_id: TabularIdentUuid,
    /// 0 is the very name; the more of the name was not asked for, the nearer to 1.
    pub distance: f32,
}

const SEARCH_CHARS_MAX: usize = 64;

#[utoipa::path(post, path = "/management/v1/warehouse/{warehouse_id}/search-tabular", tag = "warehouse",
    summary = "Search Tabular", params(("warehouse_id" = Uuid, Path)), request_body = SearchTabularRequest,
    responses((status = 200, body = SearchTabularResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn search_tabular(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
    JsonBody(request): JsonBody<SearchTabularRequest>,
) -> Result<Json<SearchTabularResponse>> {
    warehouse_for(&app, &caller, id, Action::WarehouseDescribe).await?;
    let search: String = request.search.chars().take(SEARCH_CHARS_MAX).collect();
    if search.contains('\0') {
        return Err(Error::bad_request("`search` must not contain NUL; no name does"));
    }
    let mut hits = Hits::none_yet();
    while let Some(limit) = hits.wanted() {
        let rows = app.store.tabulars_named_like(id, &search, hits.after(), limit).await?;
        let objects: Vec<Object<'_>> = rows.iter().map(Object::Tabular).collect();
        let seen = app.sees(&caller, &objects).await?;
        hits.take(limit, rows, seen, |row| (row.name.clone(), row.id.0));
    }
    let mut tabulars: Vec<SearchTabular> = hits.rows().iter().map(|row| told(row, &search)).collect();
    tabulars.sort_by(|left, right| left.distance.total_cmp(&right.distance));
    Ok(Json(SearchTabularResponse { tabulars }))
}

fn told(row: &Tabular, search: &str) -> SearchTabular {
    let share = search.chars().count() as f32 / row.name.chars().count().max(1) as f32;
    SearchTabular {
        namespace_name: row.namespace.parts().to_vec(),
        tabular_name: row.name.clone(),
        tabular_id: TabularIdentUuid { kind: row.kind.into(), id: row.id.0 },
        distance: (1.0 - share).clamp(0.0, 1.0),
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WarehouseStatisticsResponse {
    pub warehouse_ident: Uuid,
    /// The state now; no history is kept.
    pub stats: Vec<WarehouseStatistics>,
    pub next_page_token: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct WarehouseStatistics {
    pub number_of_tables: i64,
    pub number_of_views: i64,
    pub timestamp: Timestamp,
    pub updated_at: Timestamp,
}

#[utoipa::path(get, path = "/management/v1/warehouse/{warehouse_id}/statistics", tag = "warehouse",
    summary = "Get Warehouse Statistics", params(("warehouse_id" = Uuid, Path)),
    responses((status = 200, body = WarehouseStatisticsResponse), (status = "4XX", body = ErrorResponse)))]
pub async fn get_warehouse_statistics(
    State(app): State<Arc<App>>,
    caller: Caller,
    Ids(id): Ids<WarehouseId>,
) -> Result<Json<WarehouseStatisticsResponse>> {
    warehouse_for(&app, &caller, id, Action::WarehouseUpdate).await?;
    let counts = app.store.tabular_counts(id).await?;
    let now = Timestamp(app.clock.now_ms());
    let stats = WarehouseStatistics {
        number_of_tables: counts.tables,
        number_of_views: counts.views,
        timestamp: now,
        updated_at: now,
    };
    Ok(Json(WarehouseStatisticsResponse { warehouse_ident: id.0, stats: vec![stats], next_page_token: None }))
}
