//! Who is at the other end of the socket.

use std::net::SocketAddr;

/// The other end of a connection: a client, or the proxy before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
}
