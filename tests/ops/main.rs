//! What an operator relies on: configuration, listener, limits, health, metrics.

// Clippy knows test functions only; what they share may fail as loudly.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod config;
mod edge;
mod hosts;
mod http2;
mod listener;
mod pool;
mod process;
mod proxies;
mod shutdown;
mod support;
mod tls;
mod traces;
