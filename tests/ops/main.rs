//! What an operator relies on: configuration, listener, limits, health, metrics.

mod config;
