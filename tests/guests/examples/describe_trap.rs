//! A guest whose `describe` traps.
use weir_plugin::bindings::base::exports::weir::plugin::lifecycle::{Description, Guest, Problem};

struct Described;

impl Guest for Described {
    fn describe() -> Description {
        panic!("describe fails")
    }

    fn configure(_settings: String) -> Result<(), Vec<Problem>> {
        Ok(())
    }
}

weir_plugin::bindings::base::export_plugin!(Described with_types_in weir_plugin::bindings::base);
