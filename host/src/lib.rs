//! Weir, an Apache Iceberg REST catalog whose rules are WebAssembly plugins.

pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod error;
pub mod events;
pub mod files;
pub mod permit;
pub mod plugin;
pub mod reach;
pub mod secrets;
pub mod server;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod tls;
