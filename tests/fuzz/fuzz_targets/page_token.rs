//! Any bytes as page tokens, for `cargo fuzz run`.
#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    targets::page_token(input);
});
