//! Authorization by real guests: what they say is what callers get, in whatever way they fail.

mod chain;
mod decisions;
mod explain;
mod governed;
mod lists;
mod routes;
