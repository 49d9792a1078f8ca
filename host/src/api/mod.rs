//! The door: HTTP in, story, HTTP out.

mod answer;
mod audit;
pub mod authorize;
mod chunks;
pub mod commit;
pub mod config;
mod contracts;
pub mod create;
pub mod credentials;
pub mod documents;
pub mod drop;
pub mod edge;
mod engines;
pub mod extract;
mod ground;
pub mod health;
mod idempotent;
mod json;
pub mod leave;
mod listing;
mod lookup;
pub mod management;
pub mod namespaces;
mod newcomer;
pub mod oauth;
pub mod openapi;
pub mod people;
pub mod project_settings;
pub mod record;
pub mod rename;
pub mod reports;
pub mod respond;
pub mod sign;
pub mod storage_access;
pub mod tables;
pub mod transactions;
pub mod turns;
mod unserved;
pub mod vending;
mod view_changes;
pub mod views;
pub mod warehouse_settings;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// Every route of the catalog, on one page.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(health::routes())
        .merge(iceberg())
        .merge(management::router())
        .merge(openapi::routes())
        .fallback(unserved::unknown_path)
        .method_not_allowed_fallback(unserved::wrong_method)
        .with_state(app)
}

/// The Iceberg REST API under `/catalog`.
fn iceberg() -> Router<Arc<App>> {
    let namespaces = "/catalog/v1/{prefix}/namespaces";
    let namespace = "/catalog/v1/{prefix}/namespaces/{namespace}";
    let table = "/catalog/v1/{prefix}/namespaces/{namespace}/tables/{table}";
    let view = "/catalog/v1/{prefix}/namespaces/{namespace}/views/{view}";
    let under = |path: &str, rest: &str| format!("{path}{rest}");
    Router::new()
        .route("/catalog/v1/config", get(config::get))
        .route("/catalog/v1/oauth/tokens", post(oauth::tokens))
        .route(namespaces, get(namespaces::list).post(namespaces::create))
        .route(namespace, get(namespaces::load).head(namespaces::exists).delete(namespaces::drop))
        .route(&under(namespace, "/properties"), post(namespaces::update_properties))
        .route(&under(namespace, "/tables"), get(tables::list).post(create::create))
        .route(&under(namespace, "/register"), post(create::register))
        .route(table, get(tables::load).head(tables::exists).post(commit::commit_table).delete(leave::drop_table))
        .route(&under(table, "/unregister"), post(leave::unregister))
        .route(&under(table, "/credentials"), get(credentials::load))
        .route(&under(table, "/metrics"), post(reports::report))
        .route(&under(namespace, "/views"), get(views::list).post(view_changes::create))
        .route(&under(namespace, "/register-view"), post(view_changes::register))
        .route(view, get(views::load).head(views::exists).post(view_changes::replace).delete(views::drop))
        .route("/catalog/v1/{prefix}/tables/rename", post(rename::table))
        .route("/catalog/v1/{prefix}/views/rename", post(rename::view))
        .route("/catalog/v1/{prefix}/transactions/commit", post(transactions::commit))
        .route(&under(table, "/plan"), post(unserved::scan_planning))
        .route(&under(table, "/plan/{plan}"), get(unserved::scan_planning).delete(unserved::scan_planning))
        .route(&under(table, "/tasks"), post(unserved::scan_planning))
        .route(&under(table, "/sign"), post(sign::table))
        .route("/catalog/v1/signer/{prefix}/tabular-id/{id}/v1/aws/s3/sign", post(sign::tabular))
        .route("/catalog/v1/{prefix}/v1/aws/s3/sign", post(sign::warehouse))
        .route("/catalog/v1/aws/s3/sign", post(sign::anywhere))
        .route(&under(namespace, "/functions"), get(unserved::functions))
        .route(&under(namespace, "/functions/{function}"), get(unserved::functions))
}
