//! Stories of the management API over HTTP, with a clock that the tests move.

mod events;
mod forgery;
mod house;
mod lake;
mod losses;
mod namespace_move;
mod nats;
mod orphans;
mod project_tasks;
mod projects;
mod protection;
mod purge;
mod s3;
mod s3_faults;
mod search;
mod secrets;
mod server;
mod soft_delete;
mod tasks;
mod vault;
mod warehouses;
