//! The reference page of the configuration, made from the doc comments of its structs.

use std::fmt::Write;

use serde_json::Value;

use super::schema;

const HEAD: &str = "# Configuration

This page is made from `host/src/config` by `weir config reference`; a test keeps it current.

Weir reads `weir.toml` (`--config` names another file) and then the environment: `WEIR__SERVER__LISTEN` overrides
`[server] listen`. A list is written with commas. A secret can also come from a file: `WEIR__STORE__URL_FILE` names the
file that holds `[store] url`. Unknown keys are refused; `weir config check` reports every problem at once.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let schema = schema::schema();
    for (name, section) in schema::properties(&schema).into_iter().flatten() {
        write_section(&mut page, name, section);
    }
    page
}

fn write_section(page: &mut String, name: &str, section: &Value) {
    let _ = write!(page, "\n## `[{name}]`\n\n{}\n", description(section));
    let fields = || schema::properties(section).into_iter().flatten();
    for (key, field) in fields().filter(|(_, field)| schema::properties(field).is_none()) {
        write_field(page, name, key, field);
    }
    for (key, field) in fields().filter(|(_, field)| schema::properties(field).is_some()) {
        write_section(page, &format!("{name}.{key}"), field);
    }
    for (key, field) in fields() {
        if let Some(entry) = schema::entry(field).filter(|entry| schema::properties(entry).is_some()) {
            write_section(page, &format!("{name}.{key}.<name>"), entry);
        }
    }
}

fn write_field(page: &mut String, section: &str, key: &str, field: &Value) {
    let _ = write!(page, "\n### `{key}`\n\n{}\n\n- ", description(field));
    match field.get("default").and_then(schema::toml_text) {
        Some(default) => {
            let _ = write!(page, "Default: `{default}`");
        }
        None => page.push_str("No default"),
    }
    if let Some(bounds) = schema::bounds(field) {
        let _ = write!(page, ", {bounds}");
    }
    let examples = field.get("examples").and_then(Value::as_array).into_iter().flatten();
    for example in examples.filter_map(schema::toml_text) {
        let _ = write!(page, "\n- Example: `{key} = {example}`");
    }
    let path = format!("{section}.{key}");
    let variable = path.to_uppercase().replace("<NAME>", "NAME").replace('.', "__");
    let _ = write!(page, "\n- Variable: `WEIR__{variable}`");
    if schema::is_secret(&path) {
        let _ = write!(page, " or `WEIR__{variable}_FILE`");
    }
    page.push('\n');
}

fn description(schema: &Value) -> String {
    schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}
