//! The Rust side of `wit/v0.1`, generated: one module a world, because a plugin exports only the abilities that it has.
#![allow(missing_docs, clippy::too_many_arguments, clippy::too_many_lines)]

/// What every plugin shares: `lifecycle`, what the host lends.
pub mod base {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "plugin",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_plugin",
        default_bindings_module: "::weir_plugin::bindings::base",
    });
}

/// Decisions; the shared types come from here.
pub mod deciding {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "deciding",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_deciding",
        default_bindings_module: "::weir_plugin::bindings::deciding",
        additional_derives: [PartialEq],
    });
}

/// Plans of listings.
pub mod planning {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "planning",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_planning",
        default_bindings_module: "::weir_plugin::bindings::planning",
        with: { "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types },
        additional_derives: [PartialEq],
    });
}

/// Access to the files of tables.
pub mod storing {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "storing",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_storing",
        default_bindings_module: "::weir_plugin::bindings::storing",
        with: {
            "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types,
            "weir:plugin/secrets@0.1.0": crate::bindings::base::weir::plugin::secrets,
        },
    });
}

/// Reviews of changes.
pub mod reviewing {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "reviewing",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_reviewing",
        default_bindings_module: "::weir_plugin::bindings::reviewing",
        with: { "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types },
    });
}

/// Reviews of whole transactions.
pub mod reviewing_transactions {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "reviewing-transactions",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_reviewing_transactions",
        default_bindings_module: "::weir_plugin::bindings::reviewing_transactions",
        with: {
            "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types,
            "weir:plugin/change@0.1.0": crate::bindings::reviewing::weir::plugin::change,
        },
    });
}

/// News of changes.
pub mod following {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "following",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_following",
        default_bindings_module: "::weir_plugin::bindings::following",
        with: { "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types },
    });
}

/// Grants that the plugin keeps.
pub mod granting {
    wit_bindgen::generate!({
        path: "../../wit/v0.1",
        world: "granting",
        runtime_path: "::weir_plugin::wit_bindgen::rt",
        pub_export_macro: true,
        export_macro_name: "export_granting",
        default_bindings_module: "::weir_plugin::bindings::granting",
        with: { "weir:plugin/types@0.1.0": crate::bindings::deciding::weir::plugin::types },
        additional_derives: [PartialEq],
    });
}
