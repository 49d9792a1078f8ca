//! Every change that a client can ask for, in an order in which all of them succeed.

use serde_json::{Value, json};
use weir_tests::{Ask, bodies};

use crate::governed::Governed;

/// One request that changes something.
pub struct Change {
    pub name: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    /// What it is answered where nobody objects.
    pub success: u16,
    /// What it is answered where a contract cannot judge.
    pub undecided: u16,
}

impl Change {
    fn post(name: &'static str, path: impl Into<String>, body: Value, (success, undecided): (u16, u16)) -> Self {
        Self { name, method: "POST", path: path.into(), body, success, undecided }
    }

    fn delete(name: &'static str, path: impl Into<String>) -> Self {
        Self { name, method: "DELETE", path: path.into(), body: Value::Null, success: 204, undecided: 429 }
    }

    pub fn ask(&self, weir: &Governed) -> Ask {
        let http = if self.path.starts_with("/warehouse/") { &weir.management } else { &weir.catalog };
        match self.method {
            "DELETE" => http.delete(&self.path),
            _ => http.post(&self.path, self.body.clone()),
        }
    }

    /// The same change where it is only to be checked.
    pub fn check(&self, weir: &Governed) -> Ask {
        weir.management.post(&format!("/warehouse/{}/contracts/check", weir.prefix), self.checked())
    }

    /// What its path names goes beside what its body, or its query, says.
    fn checked(&self) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let body = match self.method {
            "DELETE" => query.split('&').filter(|flag| !flag.is_empty()).map(yes).collect(),
            _ => self.body.clone(),
        };
        match (self.method, parts.as_slice()) {
            ("POST", ["transactions", "commit"]) => body,
            ("POST", ["tables", "rename"]) => json!({"rename-table": body}),
            ("POST", ["views", "rename"]) => json!({"rename-view": body}),
            ("POST", ["namespaces"]) => json!({"create-namespace": body}),
            ("POST", ["warehouse", _, "deleted-tabulars", "undrop"]) => json!({"undrop": body}),
            ("POST", ["warehouse", _, "namespace", id, "move"]) => json!({"namespace-id": id, "move-namespace": body}),
            ("POST", ["namespaces", namespace, "tables"]) => json!({"namespace": [namespace], "create": body}),
            ("POST", ["namespaces", namespace, "views"]) => json!({"namespace": [namespace], "create-view": body}),
            ("POST", ["namespaces", namespace, "properties"]) => {
                json!({"namespace": [namespace], "update-properties": body})
            }
            ("POST", ["namespaces", namespace, change @ ("register" | "register-view")]) => {
                json!({"namespace": [namespace], (*change): body})
            }
            ("DELETE", ["namespaces", namespace]) => json!({"namespace": [namespace], "drop-namespace": body}),
            (method, ["namespaces", namespace, kind, name, rest @ ..]) => {
                let mut checked = match (method, *kind, rest) {
                    ("POST", "tables", []) => body,
                    ("POST", "tables", ["unregister"]) => json!({"unregister-table": body}),
                    ("POST", "views", []) => json!({"replace-view": body}),
                    ("DELETE", "tables", []) => json!({"drop-table": body}),
                    ("DELETE", "views", []) => json!({"drop-view": body}),
                    _ => panic!("{method} {path} has no check"),
                };
                checked["identifier"] = bodies::identifier(namespace, name);
                checked
            }
            (method, _) => panic!("{method} {path} has no check"),
        }
    }
}

/// `force=true` of a query as a member of a body.
fn yes(flag: &str) -> (String, Value) {
    let (name, value) = flag.split_once('=').expect("a name and a value");
    (name.to_owned(), json!(value == "true"))
}

/// The names of all that the changes are about.
pub const NAMES: [&str; 15] =
    ["moving", "ns", "new", "born", "t", "u", "d", "v", "w", "other", "empty", "gone", "inner", "staged", "registered"];

/// What the changes need: tables `t`, `u`, `d`, `gone` (which is soft-deleted), views `v`, `w`, a namespace that is empty,
/// two more with a table each, of which one moves.
pub async fn prepare(weir: &Governed) -> Vec<Change> {
    weir.create_namespace("ns").await;
    weir.create_namespace("other").await;
    weir.create_namespace("empty").await;
    weir.create_table("ns", "t").await;
    weir.create_table("ns", "d").await;
    weir.create_table("other", "inner").await;
    weir.create_namespace("moving").await;
    weir.create_table("moving", "along").await;
    let file = weir.create_table("ns", "u").await["metadata-location"].clone();
    weir.catalog.post("/namespaces/ns/views", bodies::create_view("v")).send().await.expect(200);
    let view = weir.catalog.post("/namespaces/ns/views", bodies::create_view("w")).send().await.expect(200).json();
    weir.create_table("ns", "gone").await;
    let soft = json!({"delete-profile": {"type": "soft", "expiration-seconds": 60}});
    weir.management.post(&format!("/warehouse/{}/delete-profile", weir.prefix), soft).send().await.expect(200);
    weir.catalog.delete("/namespaces/ns/tables/gone").send().await.expect(204);
    let deleted = weir.management.get(&format!("/warehouse/{}/deleted-tabulars", weir.prefix)).send().await;
    let gone = deleted.expect(200).json()["tabulars"][0]["id"].clone();
    let mut changes = of_tables(&file);
    changes.extend(of_views(&view["metadata-location"]));
    let undrop = format!("/warehouse/{}/deleted-tabulars/undrop", weir.prefix);
    let targets = json!({"targets": [{"type": "table", "id": gone}]});
    changes.push(Change::post("undrop", undrop, targets, (204, 503)));
    let moving = weir.namespace_id("moving").await;
    let destination = json!({"destination": ["ns", "moved"]});
    let path = format!("/warehouse/{}/namespace/{moving}/move", weir.prefix);
    changes.push(Change::post("move-namespace", path, destination, (200, 503)));
    changes.extend(of_namespaces());
    changes
}

fn of_tables(file: &Value) -> Vec<Change> {
    let staged = {
        let mut body = bodies::create_table("staged");
        body["stage-create"] = json!(true);
        body
    };
    let property = bodies::set_property("owner", "ada");
    let of_t = json!({"identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": bodies::set_property("a", "1")});
    let rename = json!({"source": bodies::identifier("ns", "t"), "destination": bodies::identifier("other", "t")});
    let register = json!({"name": "registered", "metadata-location": file});
    let overwrite = json!({"name": "registered", "metadata-location": file, "overwrite": true});
    vec![
        Change::post("create", "/namespaces/ns/tables", bodies::create_table("new"), (200, 503)),
        Change::post("stage-create", "/namespaces/ns/tables", staged, (200, 503)),
        Change::post("commit of a staged table", "/namespaces/ns/tables/born", birth(), (200, 429)),
        Change::post("commit", "/namespaces/ns/tables/t", bodies::commit(json!([]), property), (200, 429)),
        Change::post("transaction", "/transactions/commit", json!({"table-changes": [of_t]}), (204, 429)),
        Change::post("rename", "/tables/rename", rename, (204, 429)),
        Change::post("unregister", "/namespaces/ns/tables/u/unregister", json!({}), (200, 429)),
        Change::post("register", "/namespaces/ns/register", register, (200, 429)),
        Change::post("register over another", "/namespaces/ns/register", overwrite, (200, 429)),
        Change::delete("drop", "/namespaces/ns/tables/d"),
    ]
}

/// What Java's client sends to make a staged table real.
fn birth() -> Value {
    let updates = json!([
        { "action": "assign-uuid", "uuid": "0197f0c8-1111-7aaa-8bbb-0123456789ab" },
        { "action": "upgrade-format-version", "format-version": 2 },
        { "action": "add-schema", "schema": bodies::schema(), "last-column-id": 2 },
        { "action": "set-current-schema", "schema-id": -1 },
        { "action": "add-spec", "spec": { "spec-id": 0, "fields": [] } },
        { "action": "set-default-spec", "spec-id": -1 },
        { "action": "add-sort-order", "sort-order": { "order-id": 0, "fields": [] } },
        { "action": "set-default-sort-order", "sort-order-id": -1 },
    ]);
    bodies::commit(json!([{ "type": "assert-create" }]), updates)
}

fn of_views(file: &Value) -> Vec<Change> {
    let rename = json!({"source": bodies::identifier("ns", "v"), "destination": bodies::identifier("ns", "v2")});
    let replace = bodies::commit(json!([]), bodies::set_property("a", "1"));
    vec![
        Change::post("create-view", "/namespaces/other/views", bodies::create_view("new"), (200, 503)),
        Change::post("replace-view", "/namespaces/ns/views/v", replace, (200, 429)),
        Change::post("rename of a view", "/views/rename", rename, (204, 429)),
        Change::delete("drop of a view", "/namespaces/ns/views/w"),
        Change::post(
            "register-view",
            "/namespaces/other/register-view",
            json!({"name": "registered", "metadata-location": file}),
            (409, 429),
        ),
    ]
}

fn of_namespaces() -> Vec<Change> {
    let properties = json!({"updates": {"a": "1"}});
    vec![
        Change::post("create-namespace", "/namespaces", json!({"namespace": ["new"]}), (200, 503)),
        Change::post("set-namespace-properties", "/namespaces/ns/properties", properties, (200, 503)),
        Change::delete("drop-namespace", "/namespaces/empty"),
        Change::delete("drop-recursive", "/namespaces/other?recursive=true&force=true"),
    ]
}
