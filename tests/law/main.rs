//! The law of commits beside the `iceberg` crate, where that is right.

mod tables;
mod views;
