//! Any bytes as namespaces in paths, for `cargo fuzz run`.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    targets::namespace_path(input);
});
