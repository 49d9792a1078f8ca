//! `plugin!`: the exports of a component.

/// Exports a type as a plugin, with the abilities that it has: `plugin!(Policy: authorizer)`,
/// `plugin!(Policy: authorizer, planner, follower, grants)`, `plugin!(Rules: contract)`, `plugin!(Rules: contract, transactions)`,
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
                call: $crate::Call, action: String, kind: String, within: $crate::Place,
            ) -> Result<$crate::Plan, $crate::Fault> {
                $crate::glue::plan_list::<$plugin>(&call, &$crate::Listing { action, kind, within })
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
    (follower $plugin:ty) => {
        impl $crate::bindings::following::exports::weir::plugin::authorizer_events::Guest for Exported {
            fn on_change(
                call: $crate::Call, change: String, object: $crate::Object, before: Option<$crate::Object>,
            ) -> Result<(), $crate::Fault> {
                $crate::glue::on_change::<$plugin>(&call, &change, &object, before.as_ref())
            }
        }
        $crate::bindings::following::export_following!(Exported with_types_in $crate::bindings::following);
    };
    (grants $plugin:ty) => {
        impl $crate::bindings::granting::exports::weir::plugin::authorizer_grants::Guest for Exported {
            fn privileges(kind: String) -> Vec<String> {
                $crate::glue::privileges::<$plugin>(&kind)
            }
            fn read(
                call: $crate::Call, object: $crate::Object, cursor: Option<String>,
            ) -> Result<(Vec<$crate::Grant>, Option<String>), $crate::Fault> {
                $crate::glue::read_grants::<$plugin>(&call, &object, cursor.as_deref())
            }
            fn write(
                call: $crate::Call, add: Vec<$crate::Grant>, remove: Vec<$crate::Grant>,
            ) -> Result<(), $crate::Fault> {
                $crate::glue::write_grants::<$plugin>(&call, &add, &remove)
            }
            fn known(
                call: $crate::Call, cursor: Option<String>,
            ) -> Result<(Vec<String>, Option<String>), $crate::Fault> {
                $crate::glue::known_objects::<$plugin>(&call, cursor.as_deref())
            }
        }
        $crate::bindings::granting::export_granting!(Exported with_types_in $crate::bindings::granting);
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
    (transactions $plugin:ty) => {
        impl $crate::bindings::reviewing_transactions::exports::weir::plugin::contract_transaction::Guest
            for Exported
        {
            fn review_transaction(
                call: $crate::Call,
                changes: Vec<($crate::Object, $crate::bindings::reviewing::weir::plugin::change::Proposal)>,
            ) -> Result<Vec<$crate::Violation>, $crate::Fault> {
                $crate::glue::review_transaction::<$plugin>(&call, &changes)
            }
        }
        $crate::bindings::reviewing_transactions::export_reviewing_transactions!(
            Exported with_types_in $crate::bindings::reviewing_transactions
        );
    };
}
