//! Overrides from the environment: `WEIR__SERVER__LISTEN`, for secrets also `WEIR__STORE__URL_FILE`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use figment::value::Value;

use super::{File, Problem, schema};

const PREFIX: &str = "WEIR__";

/// What the environment says about one field.
pub(super) struct Override {
    /// The variable, for messages.
    pub name: String,
    pub value: Value,
}

/// A variable that is meant for the configuration; `None` for all others.
pub(super) fn variable((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
    Some((name, value.to_string_lossy().into_owned()))
}

/// The overrides by field; a secret's file that cannot be read is a problem.
pub(super) fn overrides(variables: Vec<(String, String)>, problems: &mut Vec<Problem>) -> BTreeMap<String, Override> {
    let mut overrides = BTreeMap::new();
    for (name, text) in variables {
        let Some(key) = name.strip_prefix(PREFIX) else { continue };
        let key = key.to_lowercase().replace("__", ".");
        if key.split('.').any(str::is_empty) {
            let found = format!("`{name}`, which names no field");
            problems.push(Problem { origin: name, ..Problem::at(&key, found, "`WEIR__SECTION__KEY`") });
            continue;
        }
        let (path, text) = match secret_in_file(&key) {
            None => (key, text),
            Some(path) => match read_secret(&path, &name, &text) {
                Ok(secret) => (path, secret),
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            },
        };
        let value = typed(&path, text);
        if let Some(other) = overrides.insert(path.clone(), Override { name: name.clone(), value }) {
            let found = format!("both `{}` and `{name}`", other.name);
            problems.push(Problem { origin: name, ..Problem::at(&path, found, "one of the two") });
        }
    }
    overrides
}

/// The secret that a key names by its file: `store.url_file` is `store.url`.
fn secret_in_file(key: &str) -> Option<String> {
    let path = key.strip_suffix("_file")?;
    (schema::field(key).is_none() && schema::is_secret(path)).then(|| path.to_owned())
}

fn read_secret(path: &str, name: &str, file: &str) -> Result<String, Problem> {
    match File::open(Path::new(file)) {
        Ok(file) => Ok(file.text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(problems) => {
            let why = problems.0.first().map_or("", |problem| problem.found.as_str());
            let problem = Problem::at(path, format!("`{file}`: {why}"), "a readable file that holds the secret");
            Err(Problem { origin: name.to_owned(), ..problem })
        }
    }
}

/// The text as the type that the field has, so that a password of digits stays text.
fn typed(path: &str, text: String) -> Value {
    let Some(schema) = schema::field(path) else { return Value::from(text) };
    if schema::is_a(schema, "array") && !text.trim_start().starts_with('[') {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        return items.map(Value::from).collect::<Vec<_>>().into();
    }
    if schema::is_a(schema, "string") || schema.get("enum").is_some() {
        return Value::from(text);
    }
    as_toml(&text).unwrap_or_else(|| Value::from(text))
}

fn as_toml(text: &str) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    Value::serialize(table.remove("value")?).ok()
}
