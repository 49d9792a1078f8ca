//! Where a request may go that somebody else asked for.

mod address;
mod http;
mod origin;

pub use address::{AddressRefused, admissible};
pub use http::client;
pub use origin::{Origin, strict};
