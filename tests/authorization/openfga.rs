//! Authorization through the plugin `openfga`, end to end: what a real server keeps is what callers may do.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use weir::catalog::ids::WarehouseId;
use weir::plugin::{
    Call, Compiled, Egress, Generation, Grant, Guest, GuestSettings, Limits, Member, Mode, Object, Parent, Principal,
    Scope,
};
use weir::tasks::{reconcile, relay};
use weir_tests::{Answer, Engine, OpenFga, bodies, guests, on_both_engines};

use crate::governed::Governed;

on_both_engines!(
    a_creator_uses_what_he_made_with_the_relay_stopped,
    a_grant_given_through_the_api_holds_at_once_and_so_does_its_end,
    s23_nobody_gives_what_he_could_not_take,
    t56_moves_and_drops_reach_the_store_of_grants_by_the_relay,
    t41_the_relay_tells_again_what_was_not_heard_in_order,
    what_openfga_cannot_say_is_503_and_health_says_so,
    grants_are_compared_with_the_catalog_and_repaired,
    who_bootstraps_an_empty_server_may_do_everything_from_then_on
);

/// A catalog whose only authorizer is the plugin; whoever calls is anonymous.
struct House {
    weir: Governed,
    server: OpenFga,
    guest: Arc<Guest>,
    warehouse: Object,
}

impl House {
    async fn open(engine: Engine) -> Option<Self> {
        let server = OpenFga::start().await?;
        let weir = Governed::open(engine).await;
        let guest = load(&weir, &server).await;
        govern(&weir, Arc::clone(&guest));
        let warehouse = warehouse(&weir).await;
        Some(Self { weir, server, guest, warehouse })
    }

    /// Past the API, as an operator would who sets a catalog up.
    async fn grant(&self, privilege: &str) {
        let grant =
            Grant { principal: "user:anonymous".into(), privilege: privilege.into(), object: self.warehouse.clone() };
        self.guest.write_grants(&call(), &[grant], &[]).await.expect("a grant is written");
    }

    async fn revoke(&self, privilege: &str) {
        let grant =
            Grant { principal: "user:anonymous".into(), privilege: privilege.into(), object: self.warehouse.clone() };
        self.guest.write_grants(&call(), &[], &[grant]).await.expect("a grant is removed");
    }

    /// With the table `ns.t`, which the caller owns as he does the namespace, and nothing else.
    async fn with_a_table(engine: Engine) -> Option<Self> {
        let house = Self::open(engine).await?;
        house.grant("create").await;
        house.weir.create_namespace("ns").await;
        house.weir.create_table("ns", "t").await;
        // On a busy machine the creator's right may come by the relay only.
        relay::relay_due_now(&house.weir.app).await.expect("the relay runs");
        house.revoke("create").await;
        Some(house)
    }

    async fn table_id(&self, namespace: &str, name: &str) -> String {
        let path = format!("/namespaces/{namespace}/tables?returnUuids=true");
        let listed = self.weir.catalog.get(&path).send().await.expect(200).json();
        let names = listed["identifiers"].as_array().expect("a list");
        let at = names.iter().position(|one| one["name"] == name).expect("the table is listed");
        listed["table-uuids"][at].as_str().expect("an id").to_owned()
    }

    fn assignments(&self, table: &str) -> String {
        format!("/permissions/warehouse/{}/table/{table}/assignments", self.weir.prefix)
    }

    async fn assign(&self, path: &str, body: Value) -> Answer {
        self.weir.management.post(path, body).send().await
    }

    /// Whether somebody else may do an action on `ns.t`.
    async fn may(&self, user: &str, action: &str) -> bool {
        let object = json!({ "warehouse-id": self.weir.prefix, "namespace": ["ns"], "table": "t" });
        let question = json!({ "principal": { "id": user }, "action": action, "object": object });
        // Only who manages the server or may explain in the warehouse may ask, so the right is lent for the question.
        self.grant("manage_grants").await;
        let answer = self.weir.management.post("/permissions/explain", question).send().await.expect(200).json();
        self.revoke("manage_grants").await;
        answer["verdict"] == "allow"
    }

    async fn stored(&self, kind: &str, id: &str) -> Vec<String> {
        let object = Object { kind: kind.into(), id: id.into(), ..self.warehouse.clone() };
        let (grants, _) = self.guest.read_grants(&call(), &object, None).await.expect("grants are read");
        grants.into_iter().map(|grant| format!("{} {}", grant.principal, grant.privilege)).collect()
    }
}

/// From now on this plugin alone decides.
pub fn govern(weir: &Governed, guest: Arc<Guest>) {
    let member = Member { guest, mode: Mode::Enforce, scope: Scope::default() };
    weir.app.plugins.swap(Generation { number: 1, members: vec![member], ..Generation::default() });
}

/// The warehouse `default` as plugins know it.
pub async fn warehouse(weir: &Governed) -> Object {
    let id = WarehouseId(weir.prefix.parse().expect("an id"));
    let row = weir.app.store.warehouse(id).await.expect("the store answers").expect("the warehouse is there");
    Object {
        kind: "warehouse".into(),
        id: weir.prefix.clone(),
        project: Parent { id: row.project_id.as_str().to_owned(), name: String::new() },
        warehouse: None,
        namespace: Vec::new(),
        name: "default".into(),
        attributes: Vec::new(),
    }
}

pub fn call() -> Call {
    let principal = Principal { id: "test".into(), kind: "user".into(), roles: vec![], claims: vec![] };
    Call { request_id: "r".into(), principal, now_ms: 1, deadline_ms: 0 }
}

pub async fn load(weir: &Governed, server: &OpenFga) -> Arc<Guest> {
    static COMPILED: OnceCell<Compiled> = OnceCell::const_new();
    let sandbox = weir.sandbox();
    let compiled = COMPILED.get_or_init(async || {
        let bytes = std::fs::read(guests::bundled("openfga")).expect("the plugin is readable").into();
        sandbox.compile(bytes).await.expect("the plugin compiles")
    });
    let settings = json!({ "url": server.url(), "list-ms": 20_000, "request-ms": 20_000 });
    let settings = GuestSettings {
        name: "openfga".into(),
        settings_json: settings.to_string(),
        limits: Limits { deadline_ms: 20_000, load_deadline_ms: 60_000, http_calls_max: 200, ..Limits::default() },
        egress: Egress { origins: vec![server.url()], allow_private: true },
        ..GuestSettings::default()
    };
    Guest::load(&sandbox, compiled.await, settings).await.expect("the plugin loads")
}

async fn a_creator_uses_what_he_made_with_the_relay_stopped(engine: Engine) {
    let Some(house) = House::open(engine).await else { return };
    let weir = &house.weir;
    house.grant("create").await;
    weir.create_namespace("ns").await;
    weir.create_table("ns", "t").await;
    house.revoke("create").await;

    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
    let commit = bodies::commit(json!([]), bodies::set_property("owner", "a"));
    weir.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);
    assert_eq!(weir.names("/namespaces/ns/tables", 10).await, ["t"]);
    let refused = weir.catalog.post("/namespaces", json!({ "namespace": ["other"] })).send().await;

    refused.expect_error(403, "ForbiddenException");
}

async fn a_grant_given_through_the_api_holds_at_once_and_so_does_its_end(engine: Engine) {
    let Some(house) = House::with_a_table(engine).await else { return };
    let path = house.assignments(&house.table_id("ns", "t").await);
    assert!(!house.may("bob", "table:read").await);

    house.assign(&path, json!({ "writes": [{ "type": "select", "user": "bob" }] })).await.expect(204);
    assert!(house.may("bob", "table:read").await);
    assert!(!house.may("bob", "table:write").await);
    let told = house.weir.management.get(&path).send().await.expect(200).json();
    let assignments = told["assignments"].as_array().expect("a list");
    assert!(assignments.contains(&json!({ "type": "select", "user": "bob" })), "{told}");
    assert!(assignments.contains(&json!({ "type": "ownership", "user": "anonymous" })), "{told}");
    let access = path.replace("assignments", "access?principalUser=bob");
    let allowed = house.weir.management.get(&access).send().await.expect(200).json();
    assert_eq!(allowed["allowed-actions"], json!(["read_data", "get_metadata"]));

    house.assign(&path, json!({ "deletes": [{ "type": "select", "user": "bob" }] })).await.expect(204);
    assert!(!house.may("bob", "table:read").await);
    let events = house.weir.app.store.events_page(None, 1_000).await.expect("events are read");
    let of_grants = events.iter().filter(|event| event.kind == "weir.grants.changed");
    assert_eq!(of_grants.count(), 2, "each change of grants is an event");
}

async fn s23_nobody_gives_what_he_could_not_take(engine: Engine) {
    let Some(house) = House::with_a_table(engine).await else { return };
    let id = house.table_id("ns", "t").await;
    let path = house.assignments(&id);
    // From owner to somebody who reads and may pass that on.
    let humbled = json!({ "writes": [{ "type": "select", "user": "anonymous" }, { "type": "pass_grants", "user": "anonymous" }] });
    house.assign(&path, humbled).await.expect(204);
    let namespace = house.weir.app.store.events_page(None, 10).await.expect("events are read");
    let namespace = namespace.iter().find_map(|event| event.subject.strip_prefix("namespace/")).expect("a namespace");
    let of_namespace = format!("/permissions/namespace/{namespace}/assignments");
    let ownership = json!({ "deletes": [{ "type": "ownership", "user": "anonymous" }] });
    house.assign(&path, ownership.clone()).await.expect(204);
    house.assign(&of_namespace, ownership).await.expect(204);
    let before = house.stored("table", &id).await;

    for (privilege, user, status) in [
        ("modify", "anonymous", 403),
        ("ownership", "anonymous", 403),
        ("manage_grants", "anonymous", 403),
        ("modify", "bob", 403),
        ("everything", "bob", 403),
        ("select", "bob", 204),
    ] {
        let answer = house.assign(&path, json!({ "writes": [{ "type": privilege, "user": user }] })).await;
        assert_eq!(answer.status, status, "{privilege} to {user}: {}", answer.text());
    }
    let mixed = json!({ "writes": [{ "type": "describe", "user": "eve" }, { "type": "modify", "user": "eve" }] });
    house.assign(&path, mixed).await.expect(403);

    let mut after = house.stored("table", &id).await;
    after.retain(|grant| grant != "user:bob select");
    assert_eq!(after, before, "what was refused left nothing behind");
    house.weir.management.get(&of_namespace).send().await.expect_error(403, "ForbiddenException");
}

async fn t56_moves_and_drops_reach_the_store_of_grants_by_the_relay(engine: Engine) {
    let Some(house) = House::with_a_table(engine).await else { return };
    house.grant("create").await;
    house.weir.create_namespace("attic").await;
    let id = house.table_id("ns", "t").await;
    house.assign(&house.assignments(&id), json!({ "writes": [{ "type": "select", "user": "bob" }] })).await.expect(204);
    let rename = json!({ "source": bodies::identifier("ns", "t"), "destination": bodies::identifier("attic", "t") });

    house.weir.catalog.post("/tables/rename", rename).send().await.expect(204);
    relay::relay_due_now(&house.weir.app).await.expect("the relay runs");

    assert!(house.stored("table", &id).await.contains(&"user:bob select".to_owned()), "the grant went along");
    let sees = async |namespace: &str| {
        let object = json!({ "warehouse-id": house.weir.prefix, "namespace": [namespace] });
        let question = json!({ "principal": { "id": "bob" }, "action": "namespace:describe", "object": object });
        house.grant("manage_grants").await;
        let answer = house.weir.management.post("/permissions/explain", question).send().await.expect(200).json();
        answer["verdict"] == "allow"
    };
    assert!(sees("attic").await);
    assert!(!sees("ns").await, "the old namespace keeps no trace of the grant");

    house.weir.catalog.delete("/namespaces/attic/tables/t").send().await.expect(204);
    relay::relay_due_now(&house.weir.app).await.expect("the relay runs");
    assert!(house.stored("table", &id).await.is_empty());
    assert!(!sees("attic").await, "nothing is left below to be seen");
    house.weir.create_table("attic", "t").await;
    let other = house.table_id("attic", "t").await;
    assert_eq!(house.stored("table", &other).await, ["user:anonymous ownership"], "a new table inherits nothing");
}

async fn t41_the_relay_tells_again_what_was_not_heard_in_order(engine: Engine) {
    let Some(mut house) = House::with_a_table(engine).await else { return };
    let app = Arc::clone(&house.weir.app);
    relay::relay_due_now(&app).await.expect("the relay runs");
    let heard = position(&house).await;
    house.server.stop();
    // The host's own rule lets the change happen while nobody listens.
    let generation = app.plugins.swap(Generation { number: 2, ..Generation::default() });
    house.weir.create_table("ns", "later").await;
    let id = house.table_id("ns", "later").await;
    let members = generation.members.clone();
    app.plugins.swap(Generation { number: 3, members, ..Generation::default() });

    relay::relay_due_now(&app).await.expect("the relay goes on");
    assert_eq!(position(&house).await, heard, "what was not heard is not passed over");
    let relays = app.store.relays().await.expect("relays are read");
    let relay = relays.iter().find(|relay| relay.name == "plugin:openfga").expect("it is known");
    assert_eq!(relay.failures, 1);
    assert!(relay.retry_at_ms > app.clock.now_ms());

    house.server.resume().await;
    app.clock.shift_ms(60_000);
    // A server that comes back empty is noticed by the first question, set up by the next.
    relay::relay_due_now(&app).await.expect("the relay goes on");
    app.clock.shift_ms(60_000);
    relay::relay_due_now(&app).await.expect("the relay goes on");
    assert_eq!(house.stored("table", &id).await, ["user:anonymous ownership"]);
    assert!(position(&house).await > heard);
}

async fn position(house: &House) -> i64 {
    let relays = house.weir.app.store.relays().await.expect("relays are read");
    relays.iter().find(|relay| relay.name == "plugin:openfga").map_or(0, |relay| relay.position)
}

async fn what_openfga_cannot_say_is_503_and_health_says_so(engine: Engine) {
    let Some(mut house) = House::with_a_table(engine).await else { return };
    house.weir.root.get("/health").send().await.expect(200);
    house.server.stop();

    let answer = house.weir.catalog.get("/namespaces/ns/tables/t").send().await;

    assert!(answer.header("retry-after").is_some());
    answer.expect_error(503, "ServiceUnavailableException");
    let health = house.weir.root.get("/health").send().await.expect(503).json();
    assert_eq!(health["services"]["authorizer"], json!([{ "name": "openfga", "status": "unhealthy" }]));
    tokio::time::timeout(Duration::from_secs(20), house.weir.root.get("/health/ready").send())
        .await
        .expect("readiness answers")
        .expect(200);
}

async fn grants_are_compared_with_the_catalog_and_repaired(engine: Engine) {
    let Some(house) = House::with_a_table(engine).await else { return };
    let app = &house.weir.app;
    let id = house.table_id("ns", "t").await;
    let nobody =
        Object { kind: "table".into(), id: "0197f0c8-1111-7aaa-8bbb-0123456789ab".into(), ..house.warehouse.clone() };
    let grant = Grant { principal: "user:bob".into(), privilege: "select".into(), object: nobody.clone() };
    house.guest.write_grants(&call(), &[grant], &[]).await.expect("a grant is written");

    let compared = reconcile::reconcile(app, false).await.expect("it compares");
    assert_eq!(compared.gone, [format!("openfga: table/{}", nobody.id)]);
    assert_eq!(house.stored("table", &nobody.id).await, ["user:bob select"], "comparing changes nothing");

    reconcile::reconcile(app, true).await.expect("it repairs");
    assert!(house.stored("table", &nobody.id).await.is_empty());
    assert_eq!(house.stored("table", &id).await, ["user:anonymous ownership"], "what is right stays");
    assert!(reconcile::reconcile(app, false).await.expect("it compares").gone.is_empty());
}

/// The one whom the configuration names comes first; what he may do afterwards is a grant like others, which he can give on.
async fn who_bootstraps_an_empty_server_may_do_everything_from_then_on(engine: Engine) {
    let Some(server) = OpenFga::start().await else { return };
    let weir = Governed::open_with(engine, &[("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous")]).await;
    let guest = load(&weir, &server).await;
    govern(&weir, Arc::clone(&guest));
    let create = || weir.catalog.post("/namespaces", json!({ "namespace": ["ns"] })).send();
    create().await.expect(404);

    weir.management.post("/bootstrap", json!({ "accept-terms-of-use": true })).send().await.expect(204);
    // On a busy machine the right may come by the relay only.
    relay::relay_due_now(&weir.app).await.expect("the relay runs");

    create().await.expect(200);
    weir.create_table("ns", "t").await;
    let path = "/permissions/server/assignments";
    let told = weir.management.get(path).send().await.expect(200).json();
    assert_eq!(told["assignments"], json!([{ "type": "operator", "user": "anonymous" }]));
    let second = json!({ "writes": [{ "type": "operator", "user": "oidc~second" }] });
    weir.management.post(path, second).send().await.expect(204);
}
