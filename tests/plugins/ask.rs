//! How the tests load a guest, ask it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tokio::sync::Mutex;
use weir::catalog::difference::{Difference, Operation, Side};
use weir::catalog::metadata::TableMetadata;
use weir::plugin::{
    Batch, Call, Check, Compiled, Guest, GuestSettings, Limits, LoadError, Object, Parent, PluginFault, Principal,
    Proposal, Sandbox, SandboxSettings, Verdict,
};
use weir_tests::guests;

/// The machine of the tests is busy: nothing here waits for less.
pub const PATIENCE_MS: u32 = 20_000;

/// A sandbox with room for two guests that compute.
pub fn sandbox() -> Arc<Sandbox> {
    Sandbox::open(SandboxSettings { calls_max: 2, ..SandboxSettings::default() }).expect("the sandbox opens")
}

/// The sandbox that most tests share, because compiling takes long in a debug build.
pub fn shared() -> Arc<Sandbox> {
    static SHARED: OnceLock<Arc<Sandbox>> = OnceLock::new();
    SHARED.get_or_init(sandbox).clone()
}

/// A guest of the shared sandbox, compiled once.
pub async fn compiled(name: &str) -> Compiled {
    static COMPILED: OnceLock<Mutex<HashMap<String, Compiled>>> = OnceLock::new();
    let mut known = COMPILED.get_or_init(Mutex::default).lock().await;
    if let Some(compiled) = known.get(name) {
        return compiled.clone();
    }
    let compiled = shared().compile(bytes(name)).await.expect("the guest compiles");
    known.insert(name.to_owned(), compiled.clone());
    compiled
}

pub fn bytes(name: &str) -> Arc<[u8]> {
    std::fs::read(guests::guest(name)).expect("the guest is readable").into()
}

pub fn limits() -> Limits {
    Limits { deadline_ms: PATIENCE_MS, load_deadline_ms: 3 * PATIENCE_MS, ..Limits::default() }
}

pub fn settings(settings: Value, limits: Limits) -> GuestSettings {
    GuestSettings { name: "under-test".into(), settings_json: settings.to_string(), limits, ..GuestSettings::default() }
}

pub async fn try_load(name: &str, settings: GuestSettings) -> Result<Arc<Guest>, LoadError> {
    Guest::load(&shared(), &compiled(name).await, settings).await
}

/// The guest `guest` with settings, with limits.
pub async fn guest(behaviour: Value, limits: Limits) -> Arc<Guest> {
    try_load("guest", settings(behaviour, limits)).await.expect("the guest loads")
}

pub async fn behaving(behaviour: &str) -> Arc<Guest> {
    guest(json!({ "behaviour": behaviour }), limits()).await
}

pub fn call() -> Call {
    Call {
        request_id: "req-1".into(),
        principal: Principal {
            id: "oidc/alice".into(),
            kind: "user".into(),
            roles: vec!["reader".into()],
            claims: vec![],
        },
        now_ms: 1_700_000_000_000,
        deadline_ms: 0,
    }
}

pub fn parent(name: &str) -> Parent {
    Parent { id: format!("id-of-{name}"), name: name.to_owned() }
}

pub fn table(name: &str) -> Object {
    Object {
        kind: "table".into(),
        id: format!("id-of-{name}"),
        project: parent("default"),
        warehouse: Some(parent("lake")),
        namespace: vec![parent("sales")],
        name: name.to_owned(),
        attributes: vec![],
    }
}

pub fn check(name: &str) -> Check {
    Check { action: "table:load".into(), object: table(name) }
}

pub async fn ask(guest: &Guest) -> Result<Vec<Verdict>, PluginFault> {
    guest.authorize(&call(), &[check("orders")]).await
}

/// What the guest tells in its first reason.
pub async fn told(guest: &Guest) -> String {
    let verdicts = ask(guest).await.expect("the guest answers");
    verdicts[0].reason.clone().expect("the guest tells a reason")
}

pub fn batch(names: &[&str]) -> Batch {
    Batch {
        action: "table:load".into(),
        kind: "table".into(),
        project: parent("default"),
        warehouse: Some(parent("lake")),
        namespaces: vec![vec![parent("sales")]],
        namespace_of: vec![0; names.len()],
        ids: names.iter().map(|name| format!("id-of-{name}")).collect(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        columns: vec![],
    }
}

/// The commit that drops the column `price` of a table at `file:///lake/t`.
pub fn drop_of_price() -> Arc<Proposal> {
    let field = |id: i32, name: &str| json!({ "id": id, "name": name, "required": false, "type": "double" });
    let difference =
        Difference::new(Some(side(&json!([field(6, "id"), field(7, "price")]))), Some(side(&json!([field(6, "id")]))));
    Arc::new(Proposal { operation: Operation::Commit, updates: vec!["add-schema".into()], difference })
}

fn side(fields: &Value) -> Side {
    let document = json!({
        "format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": "file:///lake/t",
        "last-sequence-number": 0, "last-updated-ms": 1_600_000_000_000_i64, "last-column-id": 7, "current-schema-id": 0,
        "schemas": [{ "schema-id": 0, "type": "struct", "fields": fields }], "default-spec-id": 0,
        "partition-specs": [{ "spec-id": 0, "fields": [] }], "last-partition-id": 999, "default-sort-order-id": 0,
        "sort-orders": [{ "order-id": 0, "fields": [] }], "properties": {},
    });
    let metadata = TableMetadata::parse(document.to_string().as_bytes()).expect("valid metadata");
    Side::table(Arc::new(metadata)).expect("a readable schema")
}
