//! From text to [`Config`], with every problem on the way.

use std::collections::BTreeMap;

use figment::error::{Error, Kind};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};

use super::environment::{self, Override};
use super::{Config, File, Problem, Problems, schema};

/// Reads the file, lets the variables override it, and names everything that is wrong.
pub(super) fn read(file: Option<&File>, variables: Vec<(String, String)>) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let overrides = environment::overrides(variables, &mut problems);
    let text = file.map_or(Ok(""), |file| well_formed(file)).unwrap_or_else(|problem| {
        problems.push(problem);
        ""
    });
    let values = merge(text, &overrides).unwrap_or_else(|problem| {
        problems.push(problem);
        Dict::new()
    });
    let (config, found) = extract(&values);
    problems.extend(found);
    problems.extend(schema::out_of_bounds(&serde_json::to_value(&config).unwrap_or_default()));
    problems.extend(config.problems());
    if problems.is_empty() {
        return Ok(config);
    }
    let origin = |path: &str| origin(path, file, &values, &overrides);
    Err(Problems(problems.into_iter().map(|problem| complete(problem, origin)).collect()))
}

/// The text, if it is TOML. The message quotes no line of it, for the line may hold a secret.
fn well_formed(file: &File) -> Result<&str, Problem> {
    match toml::from_str::<toml::Table>(&file.text) {
        Ok(_) => Ok(&file.text),
        Err(error) => {
            let line = error.span().map_or(1, |span| file.text[..span.start].matches('\n').count() + 1);
            let problem = Problem::at("", format!("line {line}: {}", error.message()), "TOML");
            Err(Problem {
                origin: file.name.clone(),
                example: "server.listen = \"127.0.0.1:8181\"".to_owned(),
                ..problem
            })
        }
    }
}

fn merge(text: &str, overrides: &BTreeMap<String, Override>) -> Result<Dict, Problem> {
    let file = Figment::new().merge(Toml::string(text));
    let merged = overrides
        .iter()
        .fold(file, |figment, (path, one)| figment.merge(Serialized::default(path.as_str(), one.value.clone())));
    let mut profiles = merged.data().map_err(|error| Problem::at("", error, "TOML"))?;
    Ok(profiles.remove(&Profile::Default).unwrap_or_default())
}

/// Understands as much as it can: a value that does not fit becomes a problem and makes room for its default.
fn extract(values: &Dict) -> (Config, Vec<Problem>) {
    let mut values = values.clone();
    let mut problems = Vec::new();
    loop {
        let error = match Value::from(values.clone()).deserialize::<Config>() {
            Ok(config) => return (config, problems),
            Err(error) => error,
        };
        let place = place(&error);
        problems.push(explain(&error, &place));
        if !remove(&mut values, &place) {
            return (Config::default(), problems);
        }
    }
}

/// The keys that lead to what is wrong; an item of a list stands for its list.
fn place(error: &Error) -> Vec<String> {
    let mut place: Vec<String> = error.path.iter().take_while(|key| key.parse::<usize>().is_err()).cloned().collect();
    if let Kind::UnknownField(name, _) = &error.kind
        && place.last() != Some(name)
    {
        place.push(name.clone());
    }
    place
}

fn explain(error: &Error, place: &[String]) -> Problem {
    let path = place.join(".");
    let choice =
        |of: &[&str]| format!("one of {}", of.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "));
    let (found, expected) = match &error.kind {
        Kind::UnknownField(name, known) => (format!("`{name}`, which is not known here"), choice(known)),
        Kind::UnknownVariant(name, known) => (format!("`{name}`"), choice(known)),
        Kind::MissingField(name) => (format!("no `{name}`"), format!("a value for `{name}`")),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            (found.to_string(), expected.clone())
        }
        _ => ("a value that does not fit".to_owned(), error.kind.to_string()),
    };
    let found = if schema::is_secret(&path) { "a value of another type (not shown)".to_owned() } else { found };
    Problem::at(&path, found, expected)
}

fn remove(values: &mut Dict, place: &[String]) -> bool {
    match place {
        [] => false,
        [key] => values.remove(key).is_some(),
        [key, inner @ ..] => match values.get_mut(key) {
            Some(Value::Dict(_, values)) => remove(values, inner),
            _ => values.remove(key).is_some(),
        },
    }
}

/// Where a field got its value from.
fn origin(path: &str, file: Option<&File>, values: &Dict, overrides: &BTreeMap<String, Override>) -> String {
    if let Some((_, one)) = overrides.iter().find(|(key, _)| path.starts_with(key.as_str())) {
        return one.name.clone();
    }
    match file {
        Some(file) if Value::from(values.clone()).find_ref(path).is_some() => file.name.clone(),
        _ => "default".to_owned(),
    }
}

fn complete(problem: Problem, origin: impl Fn(&str) -> String) -> Problem {
    let example = if problem.example.is_empty() { schema::example(&problem.path) } else { problem.example };
    let origin = if problem.origin.is_empty() { origin(&problem.path) } else { problem.origin };
    Problem { example, origin, ..problem }
}
