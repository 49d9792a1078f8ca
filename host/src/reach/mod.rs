//! Where a request may go that somebody else asked for.

mod address;
mod origin;

pub use address::{AddressRefused, admissible};
pub use origin::{Origin, strict};
