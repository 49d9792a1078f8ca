//! The ledger by itself, on both engines.

mod archive;
mod changes;
mod fixture;
mod locations;
mod migrate;
mod namespace_moves;
mod pools;
mod races;
mod statements;
mod tasks;
