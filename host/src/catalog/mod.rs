//! The law: pure Iceberg rules. No I/O, no async, no clock.

pub mod action;
pub mod ident;
pub mod ids;
pub mod location;
pub mod page;
