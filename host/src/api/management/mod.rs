//! The management API, after Lakekeeper's contract: one resource a file.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde::Serialize;
use utoipa::ToSchema;

mod batch_check;
mod contracts;
mod deleted;
mod durations;
mod extract;
mod named_objects;
mod namespace_move;
pub mod openapi;
mod permissions;
mod plugins;
mod profile;
mod project_tasks;
mod projects;
mod protection;
mod search;
mod server;
mod storage;
mod task_bodies;
mod task_control;
mod task_list;
mod task_queues;
mod tasks;
mod times;
mod validation;
mod warehouse_settings;
mod warehouses;

use crate::app::App;

/// Every route of the management API.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/management/v1/info", get(server::get_server_info))
        .route("/management/v1/bootstrap", post(server::bootstrap))
        .route("/management/v1/action/batch-check", post(batch_check::batch_check))
        .route("/management/v1/permissions/explain", post(permissions::explain))
        .route("/management/v1/plugins", get(plugins::list_plugins))
        .route("/management/v1/plugins/reload", post(plugins::reload_plugins))
        .merge(project_routes())
        .merge(warehouse_routes())
        .merge(inside_warehouse_routes())
        .merge(task_routes())
}

fn project_routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/management/v1/project",
            get(projects::get_project).post(projects::create_project).delete(projects::delete_project),
        )
        .route("/management/v1/project-list", get(projects::list_projects))
        .route("/management/v1/project/rename", post(projects::rename_project))
        .route(
            "/management/v1/project/{project_id}",
            get(projects::get_project_by_id).delete(projects::delete_project_by_id),
        )
        .route("/management/v1/project/{project_id}/rename", post(projects::rename_project_by_id))
}

fn warehouse_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/management/v1/warehouse", get(warehouses::list_warehouses).post(warehouses::create_warehouse))
        .route("/management/v1/warehouse-creation-validation", post(validation::validate_warehouse))
        .route(
            "/management/v1/warehouse/{warehouse_id}",
            get(warehouses::get_warehouse).delete(warehouses::delete_warehouse),
        )
        .route("/management/v1/warehouse/{warehouse_id}/rename", post(warehouse_settings::rename_warehouse))
        .route("/management/v1/warehouse/{warehouse_id}/activate", post(warehouse_settings::activate_warehouse))
        .route("/management/v1/warehouse/{warehouse_id}/deactivate", post(warehouse_settings::deactivate_warehouse))
        .route(
            "/management/v1/warehouse/{warehouse_id}/delete-profile",
            post(warehouse_settings::update_warehouse_delete_profile),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/format-version-policy",
            post(warehouse_settings::update_warehouse_format_version_policy),
        )
        .route("/management/v1/warehouse/{warehouse_id}/managed-by", post(warehouse_settings::set_warehouse_managed_by))
        .route("/management/v1/warehouse/{warehouse_id}/storage", post(storage::update_storage_profile))
        .route("/management/v1/warehouse/{warehouse_id}/storage-credential", post(storage::update_storage_credential))
        .route(
            "/management/v1/warehouse/{warehouse_id}/storage/validate-access",
            post(validation::validate_storage_access),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/storage/validate-profile",
            post(validation::validate_storage_profile),
        )
        .route("/management/v1/warehouse/{warehouse_id}/protection", post(protection::set_warehouse_protection))
        .route("/management/v1/warehouse/{warehouse_id}/statistics", get(search::get_warehouse_statistics))
}

fn inside_warehouse_routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/protection",
            get(protection::get_namespace_protection).post(protection::set_namespace_protection),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/namespace/{namespace_id}/move",
            post(namespace_move::move_namespace),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/table/{table_id}/protection",
            get(protection::get_table_protection).post(protection::set_table_protection),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/view/{view_id}/protection",
            get(protection::get_view_protection).post(protection::set_view_protection),
        )
        .route("/management/v1/warehouse/{warehouse_id}/deleted-tabulars", get(deleted::list_deleted_tabulars))
        .route("/management/v1/warehouse/{warehouse_id}/deleted-tabulars/undrop", post(deleted::undrop_tabulars))
        .route("/management/v1/warehouse/{warehouse_id}/contracts/check", post(contracts::check_contracts))
        .route("/management/v1/warehouse/{warehouse_id}/search-tabular", post(search::search_tabular))
}

fn task_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/management/v1/warehouse/{warehouse_id}/task/list", post(tasks::list_tasks))
        .route("/management/v1/warehouse/{warehouse_id}/task/by-id/{task_id}", get(tasks::get_task_details))
        .route("/management/v1/warehouse/{warehouse_id}/task/control", post(tasks::control_tasks))
        .route(
            "/management/v1/warehouse/{warehouse_id}/task-queue/soft_deletion/config",
            get(task_queues::get_soft_deletion_config).post(task_queues::set_soft_deletion_config),
        )
        .route(
            "/management/v1/warehouse/{warehouse_id}/task-queue/tabular_purge/config",
            get(task_queues::get_purge_config).post(task_queues::set_purge_config),
        )
        .route("/management/v1/project/task/list", post(project_tasks::list_project_tasks))
        .route("/management/v1/project/task/by-id/{task_id}", get(project_tasks::get_project_task_details))
        .route("/management/v1/project/task/control", post(project_tasks::control_project_tasks))
        .route(
            "/management/v1/project/task-queue/task_log_cleanup/config",
            get(project_tasks::get_task_log_cleanup_config).post(project_tasks::set_task_log_cleanup_config),
        )
}

/// Every answer that is not a success.
#[derive(Serialize, ToSchema)]
#[schema(as = IcebergErrorResponse)]
pub struct ErrorResponse {
    pub error: ErrorModel,
}

#[derive(Clone, Serialize, ToSchema)]
pub struct ErrorModel {
    pub message: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub code: u16,
}
