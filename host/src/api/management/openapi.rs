//! The management API's own description.

use utoipa::OpenApi;

use super::{
    batch_check, contracts, deleted, namespace_move, permissions, plugins, project_tasks, projects, protection, search,
    server, storage, task_queues, tasks, validation, warehouse_settings, warehouses,
};

/// Every operation that is served; what Lakekeeper has beyond them is not.
#[derive(OpenApi)]
#[openapi(
    info(title = "Weir management API", description = "Projects, warehouses, protection, background tasks."),
    paths(
        server::get_server_info,
        server::bootstrap,
        batch_check::batch_check,
        permissions::explain,
        contracts::check_contracts,
        plugins::list_plugins,
        plugins::reload_plugins,
        projects::list_projects,
        projects::get_project,
        projects::get_project_by_id,
        projects::create_project,
        projects::rename_project,
        projects::rename_project_by_id,
        projects::delete_project,
        projects::delete_project_by_id,
        warehouses::create_warehouse,
        warehouses::list_warehouses,
        warehouses::get_warehouse,
        warehouses::delete_warehouse,
        warehouse_settings::rename_warehouse,
        warehouse_settings::activate_warehouse,
        warehouse_settings::deactivate_warehouse,
        warehouse_settings::update_warehouse_delete_profile,
        warehouse_settings::update_warehouse_format_version_policy,
        warehouse_settings::set_warehouse_managed_by,
        storage::update_storage_profile,
        storage::update_storage_credential,
        validation::validate_warehouse,
        validation::validate_storage_access,
        validation::validate_storage_profile,
        protection::set_warehouse_protection,
        namespace_move::move_namespace,
        protection::get_namespace_protection,
        protection::set_namespace_protection,
        protection::get_table_protection,
        protection::set_table_protection,
        protection::get_view_protection,
        protection::set_view_protection,
        deleted::list_deleted_tabulars,
        deleted::undrop_tabulars,
        search::search_tabular,
        search::get_warehouse_statistics,
        tasks::list_tasks,
        tasks::get_task_details,
        tasks::control_tasks,
        task_queues::get_soft_deletion_config,
        task_queues::set_soft_deletion_config,
        task_queues::get_purge_config,
        task_queues::set_purge_config,
        project_tasks::list_project_tasks,
        project_tasks::get_project_task_details,
        project_tasks::control_project_tasks,
        project_tasks::get_task_log_cleanup_config,
        project_tasks::set_task_log_cleanup_config,
    )
)]
pub struct ManagementApi;
