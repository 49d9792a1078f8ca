//! Whose cryptography the TLS of this process is made of.

use tokio_rustls::rustls::crypto::ring;

/// Makes `ring` the default of the process, which libraries that open connections ask for. Whoever builds such a client
/// calls this before: who comes second finds it chosen.
pub fn choose_ring() {
    // An error says that one is in place; nothing here installs another one.
    let _ = ring::default_provider().install_default();
}
