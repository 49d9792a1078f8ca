//! Every route that the OpenAPI documents name, with names that exist, with bodies that would be taken.

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

/// A body that would be taken, by the end of the path; `{}` where a route needs none.
pub fn body(path: &str) -> Value {
    let ends = catalog_bodies().into_iter().chain(management_bodies());
    let longest = ends.filter(|(end, _)| path.ends_with(*end)).max_by_key(|(end, _)| end.len());
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    match (longest, above.rsplit('/').next()) {
        (Some((_, body)), _) => body,
        (None, Some("role")) => json!({ "name": "role" }),
        (None, Some("user")) => json!({ "name": "Somebody", "user-type": "human" }),
        _ => json!({}),
    }
}

fn catalog_bodies() -> Vec<(&'static str, Value)> {
    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let rename = |from: &str| json!({ "source": bodies::identifier("ns", from), "destination": bodies::identifier("ns", "new") });
    let change =
        json!({ "identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": commit["updates"] });
    let register = json!({ "name": "new", "metadata-location": "file:///nowhere/00000-a.metadata.json" });
    let object = "https://bucket.s3.us-east-1.amazonaws.com/key";
    vec![
        ("/namespaces", json!({ "namespace": ["new"] })),
        ("/properties", json!({ "updates": { "a": "1" } })),
        ("/tables", bodies::create_table("new")),
        ("/tables/t", commit.clone()),
        ("/views", bodies::create_view("new")),
        ("/views/v", commit),
        ("/register", register.clone()),
        ("/register-view", register),
        ("/tables/rename", rename("t")),
        ("/views/rename", rename("v")),
        ("/sign", json!({ "region": "us-east-1", "uri": object, "method": "GET", "headers": {} })),
        ("/contracts/check", change.clone()),
        ("/transactions/commit", json!({ "table-changes": [change] })),
    ]
}

fn management_bodies() -> Vec<(&'static str, Value)> {
    let nil = "00000000-0000-0000-0000-000000000000";
    let profile = json!({ "type": "local", "root": "file:///nowhere" });
    let warehouse = json!({ "warehouse-name": "new", "storage-profile": profile });
    let control = json!({ "action": { "action-type": "stop" }, "task-ids": [nil] });
    vec![
        ("/action/batch-check", json!({ "checks": [{ "operation": { "server": { "action": "create_project" } } }] })),
        ("/bootstrap", json!({ "accept-terms-of-use": true })),
        ("/permissions/explain", json!({ "action": "server:manage", "object": {} })),
        ("/project", json!({ "project-name": "new" })),
        ("/assignments", json!({ "writes": [{ "type": "select", "user": "eve" }] })),
        ("/position", json!({ "position": 0 })),
        ("/protection", json!({ "protected": true })),
        ("/rename", json!({ "new-name": "new" })),
        ("/move", json!({ "destination": ["new"] })),
        ("/task_log_cleanup/config", json!({ "queue-config": {} })),
        ("/soft_deletion/config", json!({ "queue-config": {} })),
        ("/tabular_purge/config", json!({ "queue-config": {} })),
        ("/task/control", control),
        ("/role", json!({ "name": "new" })),
        ("/members", json!({ "members": [{ "type": "user", "id": "oidc~somebody" }] })),
        ("/source-system", json!({ "provider-id": "oidc", "source-id": "readers" })),
        ("/search/role", json!({ "search": "r" })),
        ("/search/user", json!({ "search": "S" })),
        ("/search-tabular", json!({ "search": "t" })),
        ("/warehouse", warehouse.clone()),
        ("/warehouse-creation-validation", warehouse),
        ("/storage", json!({ "storage-profile": profile })),
        ("/storage/validate-profile", json!({ "storage-profile": profile })),
        ("/delete-profile", json!({ "delete-profile": { "type": "hard" } })),
        ("/format-version-policy", json!({ "allowed-format-versions": [1, 2, 3] })),
        ("/managed-by", json!({ "managed-by": "self-managed" })),
        ("/undrop", json!({ "targets": [{ "type": "table", "id": nil }] })),
    ]
}

/// What tells nothing: how to reach the server, how it feels, its documents.
pub fn is_open(path: &str) -> bool {
    path.starts_with("/health") || path.contains("openapi") || path.ends_with("/docs")
}
