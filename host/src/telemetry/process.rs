//! Memory, descriptors of this process, in the names that Prometheus' own clients use.

use metrics::{Unit, describe_gauge, gauge};

const RESIDENT_BYTES: &str = "process_resident_memory_bytes";
const OPEN_FDS: &str = "process_open_fds";

/// The unit of `/proc/self/statm` on every platform that Weir is built for.
const PAGE_BYTES: f64 = 4096.0;

pub(super) fn describe() {
    describe_gauge!(RESIDENT_BYTES, Unit::Bytes, "Resident memory");
    describe_gauge!(OPEN_FDS, "Open file descriptors");
}

/// Measures now; where `/proc` is missing there is nothing to tell.
pub(super) fn measure() {
    if let Some(pages) = resident_pages() {
        gauge!(RESIDENT_BYTES).set(pages * PAGE_BYTES);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge!(OPEN_FDS).set(open.count() as f64);
    }
}

fn resident_pages() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}
