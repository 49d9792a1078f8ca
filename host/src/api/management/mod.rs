//! The management API, after Lakekeeper's contract: one resource a file.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};
use serde::Serialize;
use utoipa::ToSchema;

mod access;
mod action_names;
mod actions;
mod assignments;
mod batch_check;
mod contracts;
mod deleted;
mod durations;
mod extract;
mod grant_target;
mod hits;
mod named_objects;
mod namespace_move;
pub mod openapi;
mod permissions;
mod plugins;
mod profile;
mod project_tasks;
mod projects;
mod protection;
mod relays;
mod role_members;
mod role_search;
mod roles;
mod search;
mod server;
mod storage;
mod task_bodies;
mod task_control;
mod task_list;
mod task_queues;
mod tasks;
mod times;
mod users;
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
        .merge(user_routes())
        .merge(role_routes())
        .merge(action_routes())
        .merge(project_routes())
        .merge(warehouse_routes())
        .merge(inside_warehouse_routes())
        .merge(task_routes())
        .merge(permission_routes())
        .route("/management/v1/relays", get(relays::list_relays))
        .route("/management/v1/relays/{name}/position", post(relays::move_relay))
        .route("/management/v1/dead-letters", get(relays::list_dead_letters))
        .route("/management/v1/dead-letters/{id}", delete(relays::delete_dead_letter))
}

fn user_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/management/v1/whoami", get(users::whoami))
        .route("/management/v1/user", get(users::list_users).post(users::create_user))
        .route("/management/v1/user/{user_id}", get(users::get_user).put(users::update_user).delete(users::delete_user))
        .route("/management/v1/user/{user_id}/roles", get(role_members::list_user_roles))
        .route("/management/v1/user/{user_id}/roles/transitive", get(role_members::list_user_transitive_roles))
        .route("/management/v1/search/user", post(users::search_user))
}

fn role_routes() -> Router<Arc<App>> {
    let role = "/management/v1/role/{role_id}";
    let under = |rest: &str| format!("{role}{rest}");
    Router::new()
        .route("/management/v1/role", get(roles::list_roles).post(roles::create_role))
        .route(role, get(roles::get_role).post(roles::update_role).delete(roles::delete_role))
        .route(&under("/metadata"), get(roles::get_role_metadata))
        .route(&under("/source-system"), put(roles::update_role_source_system))
        .route(&under("/members"), get(role_members::list_role_members).post(role_members::add_role_members))
        .route(&under("/members/transitive"), get(role_members::list_role_transitive_members))
        .route(&under("/members/{member_type}/{member_id}"), delete(role_members::remove_role_member))
        .route(&under("/member-of"), get(role_members::list_role_member_of))
        .route(&under("/member-of/transitive"), get(role_members::list_role_transitive_member_of))
        .route("/management/v1/search/role", post(role_search::search_role))
}

/// What somebody may do with each thing.
fn action_routes() -> Router<Arc<App>> {
    let warehouse = "/management/v1/warehouse/{warehouse_id}";
    let inside = |rest: &str| format!("{warehouse}{rest}/actions");
    Router::new()
        .route("/management/v1/server/actions", get(actions::get_server_actions))
        .route("/management/v1/project/actions", get(actions::get_project_actions))
        .route("/management/v1/user/{user_id}/actions", get(actions::get_user_actions))
        .route("/management/v1/role/{role_id}/actions", get(actions::get_role_actions))
        .route(&inside(""), get(actions::get_warehouse_actions))
        .route(&inside("/namespace/{namespace_id}"), get(actions::get_namespace_actions))
        .route(&inside("/table/{table_id}"), get(actions::get_table_actions))
        .route(&inside("/view/{view_id}"), get(actions::get_view_actions))
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

fn permission_routes() -> Router<Arc<App>> {
    let of = |place: &str, what: &str| format!("/management/v1/permissions/{place}/{what}");
    macro_rules! routes {
        ($($place:literal $read:ident $update:ident $access:ident $actions:ident,)*) => {
            Router::new()
            $(
                .route(&of($place, "assignments"), get(assignments::$read).post(assignments::$update))
                .route(&of($place, "access"), get(access::$access))
                .route(&of($place, "authorizer-actions"), get(access::$actions))
            )*
        };
    }
    routes! {
        "server" get_server_assignments update_server_assignments get_server_access get_authorizer_server_actions,
        "project" get_project_assignments update_project_assignments get_project_access get_authorizer_project_actions,
        "project/{project_id}" get_project_assignments_by_id update_project_assignments_by_id
            get_project_access_by_id get_authorizer_project_actions_by_id,
        "warehouse/{warehouse_id}" get_warehouse_assignments_by_id update_warehouse_assignments_by_id
            get_warehouse_access_by_id get_authorizer_warehouse_actions,
        "namespace/{namespace_id}" get_namespace_assignments_by_id update_namespace_assignments_by_id
            get_namespace_access_by_id get_authorizer_namespace_actions,
        "warehouse/{warehouse_id}/table/{table_id}" get_table_assignments_by_id update_table_assignments_by_id
            get_table_access_by_id get_authorizer_table_actions,
        "warehouse/{warehouse_id}/view/{view_id}" get_view_assignments_by_id update_view_assignments_by_id
            get_view_access_by_id get_authorizer_view_actions,
    }
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
