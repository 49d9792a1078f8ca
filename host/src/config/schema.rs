//! The JSON schema of the configuration, which also knows examples, bounds, secrets.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::{Config, Problem};

/// The JSON schema of `weir.toml`, for editors and for `weir config schema`.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

static SCHEMA: LazyLock<Value> = LazyLock::new(schema);

/// The schema of one field, e.g. of `server.tls.key`.
pub(super) fn field(path: &str) -> Option<&'static Value> {
    path.split('.').try_fold(&*SCHEMA, |schema, key| properties(schema).map_or_else(|| entry(schema), |of| of.get(key)))
}

/// The schema of what a table of named things holds.
pub(super) fn entry(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|entry| entry.is_object())
}

/// The fields of a section, optional ones included.
pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    let in_choice = || schema.get("anyOf")?.as_array()?.iter().find_map(properties);
    schema.get("properties").and_then(Value::as_object).or_else(in_choice)
}

pub(super) fn is_secret(path: &str) -> bool {
    let password = |schema: &Value| schema.get("format").is_some_and(|format| format == "password");
    let in_choice =
        |schema: &Value| schema.get("anyOf").and_then(Value::as_array).is_some_and(|of| of.iter().any(password));
    field(path).is_some_and(|schema| password(schema) || in_choice(schema))
}

/// Whether a field is of a JSON type, or may be.
pub(super) fn is_a(schema: &Value, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => schema.get("anyOf").and_then(Value::as_array).is_some_and(|of| of.iter().any(|one| is_a(one, wanted))),
    }
}

/// A correct line of `weir.toml` for a field: its example, else its default.
pub(super) fn example(path: &str) -> String {
    let value = field(path).and_then(|schema| {
        let example = schema.get("examples").and_then(|examples| examples.get(0));
        example.or_else(|| schema.get("default")).or_else(|| schema.get("enum")?.get(0))
    });
    match value.and_then(toml_text) {
        Some(text) => format!("{path} = {text}"),
        None => String::new(),
    }
}

/// A JSON value as TOML writes it on one line; `None` for null, which TOML does not have.
pub(super) fn toml_text(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

/// The numbers that are out of the bounds which their fields declare.
pub(super) fn out_of_bounds(values: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    walk(&SCHEMA, values, "", &mut problems);
    problems
}

fn walk(schema: &Value, value: &Value, path: &str, problems: &mut Vec<Problem>) {
    if let (Some(fields), Some(values)) = (properties(schema), value.as_object()) {
        for (key, field) in fields {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            walk(field, values.get(key).unwrap_or(&Value::Null), &path, problems);
        }
        return;
    }
    if let (Some(entry), Some(values)) = (entry(schema), value.as_object()) {
        values.iter().for_each(|(key, value)| walk(entry, value, &format!("{path}.{key}"), problems));
        return;
    }
    let Some(number) = value.as_f64() else { return };
    let bound = |name| schema.get(name).and_then(Value::as_f64);
    if bound("minimum").is_some_and(|least| number < least) || bound("maximum").is_some_and(|most| number > most) {
        let bounds = bounds(schema).unwrap_or_default();
        problems.push(Problem::at(path, format!("`{value}`"), format!("a number {bounds}")));
    }
}

/// The bounds of a number in words, e.g. `from 1 to 1000`.
pub(super) fn bounds(schema: &Value) -> Option<String> {
    Some(format!("from {} to {}", schema.get("minimum")?, schema.get("maximum")?))
}
