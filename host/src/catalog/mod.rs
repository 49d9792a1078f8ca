//! The law: pure Iceberg rules. No I/O, no async, no clock.

pub mod action;
pub mod commit;
pub mod create;
pub mod difference;
pub mod document;
pub mod ident;
pub mod ids;
pub mod json;
pub mod location;
pub mod metadata;
pub mod page;
pub mod partition;
pub mod register;
pub mod requests;
pub mod schema;
pub mod scope;
pub mod signing;
pub mod sort;
pub mod transform;
pub mod view;
