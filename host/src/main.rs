//! The `weir` program.

use std::process::ExitCode;

/// Each commit borrows some hundred kilobytes for compression and keeps a few for the caches; the C library's allocator
/// carves the small out of the large until the heap is eight times what is in use.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    weir::cli::run()
}
