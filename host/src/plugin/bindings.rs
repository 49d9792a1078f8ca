//! The Rust side of `wit/v0.1`, generated: one module a world.
//!
//! Abilities are worlds of their own, because a component exports only those that it has: `…Indices::new` finds out.

/// What every plugin shares: the host's loans, `lifecycle`.
pub mod base {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: { "weir:plugin/secrets.secret": crate::plugin::imports::SecretHandle },
    });
}

/// Decisions; the shared types come from here.
pub mod deciding {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "deciding",
        exports: { default: async },
    });
}

/// Plans of listings.
pub mod planning {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "planning",
        exports: { default: async },
        with: { "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types },
    });
}

/// Access to the files of tables.
pub mod storing {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "storing",
        exports: { default: async },
        with: {
            "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types,
            "weir:plugin/secrets": crate::plugin::bindings::base::weir::plugin::secrets,
        },
    });
}

/// News of changes.
pub mod following {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "following",
        exports: { default: async },
        with: { "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types },
    });
}

/// Grants that plugins keep.
pub mod granting {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "granting",
        exports: { default: async },
        with: { "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types },
    });
}

/// Reviews of changes.
pub mod reviewing {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "reviewing",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types,
            "weir:plugin/change.metadata": crate::plugin::imports::MetadataView,
            "weir:plugin/change.proposal": crate::plugin::imports::ProposalView,
        },
    });
}

/// Reviews of transactions.
pub mod reviewing_transactions {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        world: "reviewing-transactions",
        imports: { default: trappable },
        exports: { default: async },
        with: {
            "weir:plugin/types": crate::plugin::bindings::deciding::weir::plugin::types,
            "weir:plugin/change": crate::plugin::bindings::reviewing::weir::plugin::change,
        },
    });
}
