//! The plugin `openfga` over a real server, with objects to ask about.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use weir::plugin::{
    Batch, Call, Check, Compiled, Effect, Egress, Grant, Guest, GuestSettings, Limits, Listing, Object, Parent, Place,
    Plan, Principal,
};
use weir_tests::{Http, OpenFga, guests};

use crate::ask::{PATIENCE_MS, limits, shared};

/// One plugin over one server.
pub struct House {
    pub server: OpenFga,
    pub guest: Arc<Guest>,
}

impl House {
    pub async fn open() -> Option<Self> {
        Self::open_with(&[], json!({})).await
    }

    pub async fn open_with(arguments: &[&str], settings: Value) -> Option<Self> {
        let server = OpenFga::start_with(arguments).await?;
        let guest = load(&server, settings).await;
        Some(Self { server, guest })
    }

    pub async fn grant(&self, principal: &str, privilege: &str, object: &Object) {
        let grant = grant(principal, privilege, object);
        self.guest.write_grants(&admin(), &[grant], &[]).await.expect("a grant is written");
    }

    pub async fn revoke(&self, principal: &str, privilege: &str, object: &Object) {
        let grant = grant(principal, privilege, object);
        self.guest.write_grants(&admin(), &[], &[grant]).await.expect("a grant is removed");
    }

    pub async fn tell(&self, who: &str, change: &str, object: &Object) {
        self.guest.on_change(&caller(who, &[]), change, object, None).await.expect("a change is heard");
    }

    pub async fn may(&self, call: &Call, action: &str, object: &Object) -> bool {
        let check = Check { action: action.to_owned(), object: object.clone() };
        let verdicts = self.guest.authorize(call, &[check]).await.expect("the plugin decides");
        verdicts[0].effect == Effect::Allow
    }

    /// The plan of a listing of tables, or of namespaces, in a namespace.
    pub async fn plan(&self, call: &Call, kind: &str, namespace: &[&str]) -> Plan {
        let within = Place { project: parent("p"), warehouse: Some(parent("w")), namespace: path(namespace) };
        let action = format!("{kind}:describe");
        let listing = Listing { action: &action, kind, within: &within };
        self.guest.plan_list(call, listing).await.expect("the plugin plans").expect("it makes plans")
    }

    /// Grants on so many tables that nobody asks about, put into the store past the plugin.
    pub async fn store_many(&self, user: &str, relation: &str, count: usize) {
        let http = Http::new(&self.server.url());
        let stores = http.get("/stores").send().await.expect(200).json();
        let store = stores["stores"][0]["id"].as_str().expect("the plugin made a store").to_owned();
        let numbers: Vec<usize> = (0..count).collect();
        for few in numbers.chunks(100) {
            let tuple = |n: &usize| json!({ "user": user, "relation": relation, "object": format!("table:other-{n}") });
            let tuples: Vec<Value> = few.iter().map(tuple).collect();
            let body = json!({ "writes": { "tuple_keys": tuples } });
            http.post(&format!("/stores/{store}/write"), body).send().await.expect(200);
        }
    }

    /// The grants on an object, in order.
    pub async fn grants(&self, object: &Object) -> Vec<(String, String)> {
        let (mut grants, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.guest.read_grants(&admin(), object, cursor.as_deref()).await.expect("grants are read");
            grants.extend(page.0.into_iter().map(|grant| (grant.principal, grant.privilege)));
            cursor = page.1;
            if cursor.is_none() {
                grants.sort();
                return grants;
            }
        }
    }
}

pub async fn load(server: &OpenFga, settings: Value) -> Arc<Guest> {
    load_within(server, settings, Limits { http_calls_max: 200, ..limits() }).await
}

pub async fn load_within(server: &OpenFga, mut settings: Value, limits: Limits) -> Arc<Guest> {
    static COMPILED: OnceCell<Compiled> = OnceCell::const_new();
    let compiled = COMPILED.get_or_init(async || {
        let bytes = std::fs::read(guests::bundled("openfga")).expect("the plugin is readable").into();
        shared().compile(bytes).await.expect("the plugin compiles")
    });
    settings["url"] = json!(server.url());
    settings["administrators"] = json!(["root"]);
    // The server is compiled for speed, this sandbox for debugging.
    settings["list-ms"] = json!(PATIENCE_MS);
    settings["request-ms"] = json!(PATIENCE_MS);
    let settings = GuestSettings {
        name: "openfga".into(),
        settings_json: settings.to_string(),
        limits,
        egress: Egress { origins: vec![server.url()], allow_private: true },
        ..GuestSettings::default()
    };
    Guest::load(&shared(), compiled.await, settings).await.expect("the plugin loads")
}

pub fn caller(id: &str, roles: &[&str]) -> Call {
    Call {
        request_id: "r".into(),
        principal: Principal {
            id: id.into(),
            kind: "user".into(),
            roles: roles.iter().map(ToString::to_string).collect(),
            claims: vec![],
        },
        now_ms: 1_700_000_000_000,
        deadline_ms: 0,
    }
}

pub fn admin() -> Call {
    caller("root", &[])
}

pub fn parent(name: &str) -> Parent {
    Parent { id: format!("id-{name}"), name: name.to_owned() }
}

pub fn path(parts: &[&str]) -> Vec<Parent> {
    parts.iter().map(|part| parent(part)).collect()
}

pub fn object(kind: &str, namespace: &[&str], name: &str) -> Object {
    Object {
        kind: kind.into(),
        id: format!("id-{name}"),
        project: parent("p"),
        warehouse: Some(parent("w")),
        namespace: path(namespace),
        name: name.into(),
        attributes: vec![],
    }
}

pub fn table(name: &str) -> Object {
    object("table", &["a", "b"], name)
}

pub fn warehouse() -> Object {
    Object { warehouse: None, ..object("warehouse", &[], "w") }
}

pub fn project() -> Object {
    let nowhere = Parent { id: String::new(), name: String::new() };
    Object { warehouse: None, project: nowhere, ..object("project", &[], "p") }
}

pub fn grant(principal: &str, privilege: &str, object: &Object) -> Grant {
    Grant { principal: principal.to_owned(), privilege: privilege.to_owned(), object: object.clone() }
}

pub fn ids(plan: Plan) -> (Vec<String>, bool) {
    match plan {
        Plan::Ids(mut few) => {
            few.ids.sort();
            (few.ids, few.complete)
        }
        other => panic!("a list of ids, not {other:?}"),
    }
}

pub fn batch(names: &[&str]) -> Batch {
    Batch {
        action: "table:describe".into(),
        kind: "table".into(),
        project: parent("p"),
        warehouse: Some(parent("w")),
        namespaces: vec![path(&["a", "b"])],
        namespace_of: vec![0; names.len()],
        ids: names.iter().map(|name| format!("id-{name}")).collect(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        columns: vec![],
    }
}
