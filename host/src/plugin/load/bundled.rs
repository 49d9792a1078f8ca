//! The plugins inside this program; `host/build.rs` writes the list.

include!(concat!(env!("OUT_DIR"), "/bundled.rs"));
