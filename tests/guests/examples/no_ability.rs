//! A plugin that has no ability: it exports `lifecycle` alone.
use weir_plugin::bindings::base::exports::weir::plugin::lifecycle::{Description, Guest, Problem};

struct Idle;

impl Guest for Idle {
    fn describe() -> Description {
        Description {
            name: "idle".to_string(),
            version: "1.0.0".to_string(),
            summary: "Can do nothing".to_string(),
            settings_schema: "{}".to_string(),
            secrets: Vec::new(),
            egress: Vec::new(),
            claims: Vec::new(),
        }
    }

    fn configure(_settings: String) -> Result<(), Vec<Problem>> {
        Ok(())
    }
}

weir_plugin::bindings::base::export_plugin!(Idle with_types_in weir_plugin::bindings::base);
