//! The guests: sandboxed plugins that decide; the only room that knows wasmtime.

pub mod bindings;
pub mod imports;
