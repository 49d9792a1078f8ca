//! `plugin!`: the exports of a component.

/// Exports a type as a plugin, with the abilities that it has: `plugin!(Policy: authorizer)`,
/// `plugin!(Policy: authorizer, planner)`, `plugin!(Rules: contract)`,
/// `plugin!(Store: storage)`. Outside the sandbox it exports nothing: the names of a
/// component's exports are none that a linker of shared libraries takes.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty: $($ability:ident),+ $(,)?) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Exported;
            impl $crate::bindings::base::exports::weir::plugin::lifecycle::Guest for Exported {
                fn describe() -> $crate::bindings::base::exports::weir::plugin::lifecycle::Description {
                    $crate::glue::describe::<$plugin>(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                }
                fn configure(settings_json: String) -> Result<(), Vec<$crate::Problem>> {
                    $crate::glue::configure::<$plugin>(&settings_json)
                }
            }
            $crate::bindings::base::export_plugin!(Exported with_types_in $crate::bindings::base);
            $($crate::plugin_ability!($ability $plugin);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! plugin_ability {
    (authorizer $plugin:ty) => {
        impl $crate::bindings::deciding::exports::weir::plugin::authorizer::Guest for Exported {
            fn authorize(call: $crate::Call, checks: Vec<$crate::Check>) -> Result<Vec<$crate::Verdict>, $crate::Fault> {
                $crate::glue::authorize::<$plugin>(&call, &checks)
            }
            fn authorize_many(call: $crate::Call, items: $crate::Batch) -> Result<Vec<u8>, $crate::Fault> {
                $crate::glue::authorize_many::<$plugin>(&call, &items)
            }
        }
        $crate::bindings::deciding::export_deciding!(Exported with_types_in $crate::bindings::deciding);
    };
    (planner $plugin:ty) => {
        impl $crate::bindings::planning::exports::weir::plugin::authorizer_plan::Guest for Exported {
            fn plan_list(
                call: $crate::Call, action: String, kind: String, warehouse: String, namespace: Vec<String>,
            ) -> Result<$crate::Plan, $crate::Fault> {
                $crate::glue::plan_list::<$plugin>(&call, &$crate::Listing { action, kind, warehouse, namespace })
            }
        }
        $crate::bindings::planning::export_planning!(Exported with_types_in $crate::bindings::planning);
    };
    (storage $plugin:ty) => {
        impl $crate::bindings::storing::exports::weir::plugin::storage::Guest for Exported {
            fn kinds() -> Vec<String> {
                $crate::glue::kinds::<$plugin>()
            }
            fn check_profile(
                profile: $crate::Profile,
            ) -> Result<(), Vec<$crate::bindings::storing::exports::weir::plugin::storage::Problem>> {
                $crate::glue::check_profile::<$plugin>(&profile)
            }
            fn vend(
                call: $crate::Call, want: $crate::Want, key: Option<&$crate::host::secrets::Secret>,
            ) -> Result<$crate::AccessGrant, $crate::Fault> {
                $crate::glue::vend::<$plugin>(&call, &want, key)
            }
            fn sign(
                call: $crate::Call, want: $crate::Want, request: $crate::SignRequest, found: $crate::Touched,
                key: &$crate::host::secrets::Secret,
            ) -> Result<$crate::bindings::storing::exports::weir::plugin::storage::Signed, $crate::Fault> {
                $crate::glue::sign::<$plugin>(&call, &want, (&request, &found), key)
            }
        }
        $crate::bindings::storing::export_storing!(Exported with_types_in $crate::bindings::storing);
    };
    (contract $plugin:ty) => {
        impl $crate::bindings::reviewing::exports::weir::plugin::contract::Guest for Exported {
            fn review(
                call: $crate::Call, subject: $crate::Object, target: Option<$crate::Object>,
                proposal: &$crate::bindings::reviewing::weir::plugin::change::Proposal,
            ) -> Result<Vec<$crate::Violation>, $crate::Fault> {
                $crate::glue::review::<$plugin>(&call, &subject, target.as_ref(), &proposal.into())
            }
        }
        $crate::bindings::reviewing::export_reviewing!(Exported with_types_in $crate::bindings::reviewing);
    };
}
