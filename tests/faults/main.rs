//! What must hold when writers race, processes die, connections break.

mod crash;
mod lost_connection;
mod overload;
mod races;
mod replicas;
