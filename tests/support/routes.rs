//! Every route that the OpenAPI documents name, with names that exist, with bodies that would be taken.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bodies;
use crate::process::Installation;
use crate::tools::succeed;

/// The routes of one API as its document names them.
pub fn routes(installation: &Installation, api: &str) -> Vec<(Method, String)> {
    let mut command = installation.command(0);
    command.args(["openapi", api]);
    let document: Value = serde_json::from_str(&succeed(command)).expect("the document is JSON");
    let paths = document["paths"].as_object().expect("the document has paths").clone();
    let mut routes = Vec::new();
    for (path, item) in &paths {
        for method in item.as_object().expect("a path has methods").keys() {
            if let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes())
                && [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::PATCH]
                    .contains(&method)
            {
                routes.push((method, path.clone()));
            }
        }
    }
    assert!(routes.len() > 20, "the {api} document names {} routes", routes.len());
    routes
}

/// The path with names that exist.
pub fn filled(path: &str, prefix: &str) -> String {
    let mut filled = path.to_owned();
    let names =
        [("{prefix}", prefix), ("{warehouse_id}", prefix), ("{namespace}", "ns"), ("{table}", "t"), ("{view}", "v")];
    for (parameter, name) in names {
        filled = filled.replace(parameter, name);
    }
    let rest: Vec<&str> = filled.split('/').collect();
    let nil = "00000000-0000-0000-0000-000000000000";
    rest.iter().map(|part| if part.starts_with('{') { nil } else { part }).collect::<Vec<_>>().join("/")
}

/// A body that would be taken, by the end of the path.
pub fn body(path: &str) -> Value {
    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let rename = |from: &str| json!({ "source": bodies::identifier("ns", from), "destination": bodies::identifier("ns", "new") });
    let change =
        json!({ "identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": commit["updates"] });
    let bodies: BTreeMap<&str, Value> = BTreeMap::from([
        ("/namespaces", json!({ "namespace": ["new"] })),
        ("/properties", json!({ "updates": { "a": "1" } })),
        ("/tables", bodies::create_table("new")),
        ("/tables/t", commit.clone()),
        ("/views", bodies::create_view("new")),
        ("/views/v", commit),
        ("/tables/rename", rename("t")),
        ("/views/rename", rename("v")),
        ("/contracts/check", change.clone()),
        ("/transactions/commit", json!({ "table-changes": [change] })),
        ("/project", json!({ "project-name": "new" })),
        ("/assignments", json!({ "writes": [{ "type": "select", "user": "eve" }] })),
        ("/position", json!({ "position": 0 })),
        ("/protection", json!({ "protected": true })),
        ("/rename", json!({ "new-name": "new" })),
        ("/move", json!({ "destination": ["new"] })),
        ("/task_log_cleanup/config", json!({ "queue-config": {} })),
    ]);
    let longest = bodies.iter().filter(|(end, _)| path.ends_with(*end)).max_by_key(|(end, _)| end.len());
    longest.map_or_else(|| json!({}), |(_, body)| body.clone())
}

/// What tells nothing: how to reach the server, how it feels, its documents.
pub fn is_open(path: &str) -> bool {
    path.starts_with("/health") || path.contains("openapi") || path.ends_with("/docs")
}
