//! What the tests share: engines, running servers, a client that fails with good words, Iceberg bodies.

pub mod bodies;
pub mod canary;
mod client;
mod database;
pub mod disk;
mod engine;
pub mod governed;
pub mod guests;
mod keycloak;
mod nats;
pub mod oidc;
mod openfga;
mod pooler;
mod process;
mod proxy;
mod receiver;
pub mod routes;
pub mod s3;
mod seaweed;
mod server;
pub mod tools;
mod vault;

pub use client::{Answer, Ask, Http, choose_tls};
pub use database::Database;
pub use engine::{Engine, run_on};
pub use keycloak::Keycloak;
pub use nats::Nats;
pub use openfga::OpenFga;
pub use pooler::Pooler;
pub use process::{Installation, Weir, binary, free_port};
pub use proxy::{Fault, Proxy};
pub use receiver::{Received, Receiver};
pub use s3::S3Server;
pub use seaweed::Seaweed;
pub use server::TestServer;
pub use vault::VaultServer;
