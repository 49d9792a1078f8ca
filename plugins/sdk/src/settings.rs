//! What a plugin says of itself, how it takes its settings.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::Problem;

/// A plugin: its settings are a Rust type, from which the schema that operators see is derived.
pub trait Plugin: Sized + 'static {
    /// Give it `#[serde(deny_unknown_fields)]`, so that a misspelt setting is a problem and not a surprise. Doc comments
    /// become the descriptions in the schema.
    type Settings: DeserializeOwned + JsonSchema;

    /// One sentence for the list of plugins.
    const SUMMARY: &'static str;
    /// Local names of the secrets that it cannot do without: where one is not granted, it is not loaded. One that only
    /// some settings need is opened in `configure`.
    const SECRETS: &'static [&'static str] = &[];
    /// Origins that it calls, such as `https://api.example:443`; the operator grants them or not.
    const EGRESS: &'static [&'static str] = &[];
    /// Claims of the caller's token that it wants to see.
    const CLAIMS: &'static [&'static str] = &[];

    /// Takes the settings once an instance; whatever is costly (parsing policies) belongs here. Report every problem at once.
    fn configure(settings: Self::Settings) -> Result<Self, Vec<Problem>>;
}

/// One problem of the settings, at a JSON pointer such as `/rules/3/pattern`.
pub fn problem(pointer: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { pointer: pointer.into(), message: message.into() }
}
