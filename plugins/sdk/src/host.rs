//! What the host lends: log, HTTP, secrets, a cache. Outside the sandbox (in unit tests) only the log answers.

pub use crate::bindings::base::weir::plugin::{cache, http, secrets};

/// The host's log: each line carries the plugin's name; what exceeds the plugin's budget is dropped, counted.
pub mod log {
    use crate::bindings::base::weir::plugin::log::Level;

    pub fn debug(message: &str, fields: &[(&str, &str)]) {
        write(Level::Debug, message, fields);
    }

    pub fn info(message: &str, fields: &[(&str, &str)]) {
        write(Level::Info, message, fields);
    }

    pub fn warn(message: &str, fields: &[(&str, &str)]) {
        write(Level::Warn, message, fields);
    }

    pub fn error(message: &str, fields: &[(&str, &str)]) {
        write(Level::Error, message, fields);
    }

    #[cfg(target_arch = "wasm32")]
    fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        crate::bindings::base::weir::plugin::log::write(level, message, &fields);
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn write(level: Level, message: &str, fields: &[(&str, &str)]) {
        eprintln!("{level:?} {message} {fields:?}");
    }
}
