//! A guest whose `describe` never comes back.
use weir_plugin::bindings::base::exports::weir::plugin::lifecycle::{Description, Guest, Problem};

struct Described;

impl Guest for Described {
    fn describe() -> Description {
        loop {
            std::hint::spin_loop();
        }
    }

    fn configure(_settings: String) -> Result<(), Vec<Problem>> {
        Ok(())
    }
}

weir_plugin::bindings::base::export_plugin!(Described with_types_in weir_plugin::bindings::base);
