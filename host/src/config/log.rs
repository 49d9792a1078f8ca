//! `[log]`: what is logged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::Problem;

/// What is logged, to standard error.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Lines for people (`pretty`) or one JSON object a line (`json`).
    pub format: LogFormat,
    /// The level, or levels by target as in `RUST_LOG`.
    #[schemars(example = &"info,weir::store=debug")]
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum LogFormat {
    #[default]
    Pretty,
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Pretty, filter: "info,sqlx=warn".to_owned() }
    }
}

impl Log {
    pub(super) fn problems(&self) -> Option<Problem> {
        let error = EnvFilter::builder().parse(&self.filter).err()?;
        Some(Problem::at("log.filter", format!("`{}`: {error}", self.filter), "a level, or `target=level` pairs"))
    }
}
