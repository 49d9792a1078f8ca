//! The Iceberg REST API over HTTP, row by row of what clients rely on.

mod authorization;
mod commit;
mod config;
mod etag;
mod idempotency;
mod locations;
mod namespaces;
mod pages;
mod protocol;
mod register;
mod rename;
mod staged;
mod tables;
mod transactions;
mod view_law;
mod views;
