//! An empty WASI 0.2, for toolchains that import it whether the guest needs it or not.

use wasmtime::component::Linker;

use super::super::instance::State;

/// Whether a component may import it.
pub fn is_lent(_import: &str) -> bool {
    false
}

pub(super) fn add_to_linker(_linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Ok(())
}
