//! Any bytes as a request to a bucket, for `cargo fuzz run`.
#![no_main]

#[path = "../storage_targets.rs"]
mod storage_targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    storage_targets::signing(input);
});
