//! What must hold when writers race, processes die, connections break.

mod aftermath;
mod crash;
mod crash_points;
mod deeds;
mod failing_disk;
mod journal;
mod lost_connection;
mod overload;
mod power_loss;
mod races;
mod replicas;
mod wreck;
