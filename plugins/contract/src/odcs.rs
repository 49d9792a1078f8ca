//! Documents of the Open Data Contract Standard, version 3: <https://bitol-io.github.io/open-data-contract-standard/>.

use schemars::JsonSchema;
use serde::Deserialize;
use weir_plugin::{Column, Problem, Violation, problem};

use crate::pattern::fits;
use crate::rules::{Review, base, violation};
use crate::settings;

/// What is used of a document; the rest of it is accepted, ignored.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub api_version: String,
    pub kind: String,
    pub id: String,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub schema: Vec<SchemaObject>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaObject {
    pub name: String,
    #[serde(default)]
    pub physical_name: Option<String>,
    #[serde(default)]
    pub properties: Vec<Property>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct Property {
    pub name: String,
    pub physical_name: Option<String>,
    pub logical_type: Option<String>,
    pub physical_type: Option<String>,
    pub required: bool,
    pub primary_key: bool,
    pub properties: Vec<Property>,
    pub items: Option<Box<Property>>,
}

/// A document with the tables that it is about.
pub struct Bound {
    settings: settings::Bound,
}

pub fn bind(index: usize, bound: settings::Bound) -> Result<Bound, Problem> {
    let document = &bound.document;
    let refuse = |field: &str, message: String| Err(problem(format!("/contracts/{index}/document/{field}"), message));
    if document.kind != "DataContract" {
        return refuse("kind", format!("`{}` is not `DataContract`", document.kind));
    }
    if !document.api_version.starts_with("v3.") {
        return refuse("apiVersion", format!("`{}` is not a version 3 of the standard", document.api_version));
    }
    if document.schema.is_empty() {
        return refuse("schema", "the document describes no schema object".to_string());
    }
    Ok(Bound { settings: bound })
}

impl Bound {
    /// The whole schema is judged whenever it changes; data can be written to a table that does not fit yet.
    pub fn review(&self, review: &Review) -> Vec<Violation> {
        let document = &self.settings.document;
        let binding = !matches!(document.status.as_deref(), Some("draft" | "proposed" | "retired"));
        let Some(after) = review.after.as_ref().filter(|_| binding && self.covers(review)) else {
            return Vec::new();
        };
        let about = document.schema.iter().filter(|object| object.is_about(review));
        let mut found = Vec::new();
        for object in about {
            let columns = after.columns();
            compare(&object.properties, &[], &columns, &mut found);
            if self.settings.closed {
                found.extend(strangers(&object.properties, &columns));
            }
        }
        let rule = format!("{}/schema", document.id);
        found
            .into_iter()
            .map(|(path, message)| violation(self.settings.severity, rule.clone(), message).at(path))
            .collect()
    }

    fn covers(&self, review: &Review) -> bool {
        matches!(review.subject.kind.as_str(), "table" | "view")
            && fits(&self.settings.objects, &review.path)
            && review.schema_changes()
    }
}

impl SchemaObject {
    fn is_about(&self, review: &Review) -> bool {
        let name = self.physical_name.as_ref().unwrap_or(&self.name);
        *name == review.subject.name || *name == review.path
    }
}

impl Property {
    fn step(&self) -> &str {
        self.physical_name.as_ref().unwrap_or(&self.name)
    }
}

type Found = (String, String);

fn compare(properties: &[Property], above: &[String], columns: &[Column], found: &mut Vec<Found>) {
    for property in properties {
        let path: Vec<String> = above.iter().cloned().chain([property.step().to_string()]).collect();
        let text = path.join(".");
        let Some(column) = columns.iter().find(|column| column.path == path) else {
            found.push((text.clone(), format!("the contract asks for the column `{text}`, which is not there")));
            continue;
        };
        if (property.required || property.primary_key) && !column.required {
            found.push((text.clone(), format!("`{text}` is optional, the contract asks for a required column")));
        }
        if let Some(wanted) = property.mismatch(&column.type_text) {
            found.push((
                text,
                format!("`{}` is of type {}, the contract asks for {wanted}", path.join("."), column.type_text),
            ));
        }
        compare(&property.properties, &path, columns, found);
        if let Some(items) = &property.items {
            let element: Vec<String> = path.into_iter().chain(["element".to_string()]).collect();
            compare(&items.properties, &element, columns, found);
        }
    }
}

impl Property {
    /// The type that the contract asks for, where the column has another.
    fn mismatch(&self, type_text: &str) -> Option<&str> {
        if let Some(physical) = &self.physical_type {
            let bare = |text: &str| text.replace(' ', "").to_ascii_lowercase();
            return (bare(physical) != bare(type_text)).then_some(physical);
        }
        let logical = self.logical_type.as_deref()?;
        let fitting: &[&str] = match logical {
            "string" => &["string", "uuid", "fixed", "binary"],
            "integer" => &["int", "long"],
            "number" => &["int", "long", "float", "double", "decimal"],
            "boolean" => &["boolean"],
            "date" => &["date", "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns"],
            "timestamp" => &["timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns"],
            "time" => &["time"],
            "array" => &["list"],
            "object" => &["struct", "map", "variant"],
            _ => return None,
        };
        (!fitting.contains(&base(type_text))).then_some(logical)
    }
}

/// Top-level columns that the contract does not know.
fn strangers(properties: &[Property], columns: &[Column]) -> Vec<Found> {
    let top = columns.iter().filter_map(|column| match column.path.as_slice() {
        [name] => Some(name),
        _ => None,
    });
    top.filter(|name| !properties.iter().any(|property| property.step() == name.as_str()))
        .map(|name| (name.clone(), format!("the contract does not know the column `{name}`")))
        .collect()
}
