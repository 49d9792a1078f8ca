//! The audit: one record for each decision that matters, which tells who asked, who decided, how it ended.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use weir::tasks::audit;
use weir_tests::oidc::Provider;
use weir_tests::{Engine, Http, TestServer, bodies, on_both_engines};

use crate::governed::Plugin;
use crate::tokens::Trusting;

on_both_engines!(
    a_change_is_recorded_with_who_asked_who_decided_how_it_ended,
    a_refusal_is_recorded_with_the_rule_that_refused,
    an_allowed_change_that_fails_is_recorded_as_failed,
    what_cannot_be_decided_is_recorded_as_such,
    who_is_not_let_in_is_recorded_as_nobody,
    reading_is_recorded_only_where_everything_is,
    no_record_holds_a_token_or_a_value,
    records_become_events_in_the_order_in_which_they_were_made,
    no_crash_parts_a_change_from_the_record_of_who_allowed_it,
    the_log_tells_of_decisions_in_fields
);

const POLICIES: &str = r#"
    @id("alice-does-all") permit (principal == Weir::User::"one~alice", action, resource);
    @id("bob-reads") permit (principal == Weir::User::"one~bob", action in Weir::Action::"read", resource);
    @id("nobody-drops") forbid (principal, action == Weir::Action::"table:drop", resource);
"#;

/// A catalog that writes its audit to a file, with `ns.t` in it, decided by policies.
struct Audited {
    trusting: Trusting,
    file: PathBuf,
    _folder: TempDir,
}

impl Audited {
    async fn open(engine: Engine, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("logs/audit.jsonl");
        let path = file.display().to_string();
        let mut settings = vec![("WEIR__AUDIT__FILE", path.as_str()), ("WEIR__AUDIT__OUTBOX", "true")];
        settings.extend_from_slice(more);
        let trusting = Trusting::open_with(engine, Provider::start().await, &settings).await;
        trusting.weir.create_namespace("ns").await;
        trusting.weir.create_table("ns", "t").await;
        trusting.weir.govern(vec![Plugin::cedar(POLICIES)]).await;
        std::fs::write(&file, "").expect("the file is there");
        Self { trusting, file, _folder: folder }
    }

    fn catalog_of(&self, token: &str) -> Http {
        self.trusting.with(token).under(&format!("/catalog/v1/{}", self.trusting.weir.prefix))
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).expect("the file is there")
    }

    fn records(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// The bodies of all events of this kind.
    async fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.trusting.weir.app.store.events_page(None, 1_000).await.expect("events are read");
        let bodies = events.iter().filter(|event| event.kind == kind);
        bodies.map(|event| serde_json::from_str(&event.body).expect("a body is JSON")).collect()
    }
}

fn new_namespace() -> Value {
    json!({"namespace": ["new"], "properties": {"owner": "canary-value"}})
}

async fn a_change_is_recorded_with_who_asked_who_decided_how_it_ended(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let token = audited.trusting.provider.token_with("alice", json!({"azp": "etl", "jti": "token-7"}));

    let create = audited.catalog_of(&token).post("/namespaces", new_namespace());
    create.header("x-request-id", "r-1").header("user-agent", "engine/1.0").send().await.expect(200);

    let records = audited.records();
    assert_eq!(records.len(), 1, "{records:?}");
    let record = &records[0];
    for (field, expected) in [
        ("request-id", "r-1"),
        ("user-agent", "engine/1.0"),
        ("client-address", "127.0.0.1"),
        ("caller", "one~alice"),
        ("caller-kind", "user"),
        ("issuer", "one"),
        ("client", "etl"),
        ("token-id", "token-7"),
        ("action", "warehouse:create-namespace"),
        ("object-kind", "warehouse"),
        ("object-id", &audited.trusting.weir.prefix),
        ("verdict", "allow"),
        ("plugin", "plugin-0"),
        ("rule", "alice-does-all"),
        ("outcome", "200"),
    ] {
        assert_eq!(record[field], expected, "{field} in {record}");
    }
    let told = audited.events("weir.namespace.created").await.pop().expect("the change is told");
    assert_eq!((told["actor"].as_str(), told["requestid"].as_str()), (Some("one~alice"), Some("r-1")));
}

async fn a_refusal_is_recorded_with_the_rule_that_refused(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let (alice, bob) = (audited.trusting.provider.token("alice"), audited.trusting.provider.token("bob"));

    audited.catalog_of(&alice).delete("/namespaces/ns/tables/t?purgeRequested=true").send().await.expect(403);
    audited.catalog_of(&bob).post("/namespaces", new_namespace()).send().await.expect(403);
    let stranger = audited.trusting.provider.token("stranger");
    audited.catalog_of(&stranger).get("/namespaces/ns/tables/t").send().await.expect(404);

    let told: Vec<_> = audited
        .records()
        .iter()
        .map(|one| ["caller", "action", "verdict", "rule", "outcome"].map(|field| one[field].clone()))
        .collect();
    assert_eq!(
        told,
        [
            [json!("one~alice"), json!("table:drop"), json!("deny"), json!("nobody-drops"), json!("403")],
            [json!("one~bob"), json!("warehouse:create-namespace"), json!("deny"), Value::Null, json!("403")],
            [json!("one~stranger"), json!("table:describe"), json!("deny"), Value::Null, json!("404")],
        ]
    );
    assert_eq!(audited.records()[0]["wished"]["purge"], true);
    assert_eq!(audited.records()[0]["object"], "table ns.t");
}

async fn an_allowed_change_that_fails_is_recorded_as_failed(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let catalog = audited.catalog_of(&audited.trusting.provider.token("alice"));

    catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(409);

    let records = audited.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0]["verdict"].as_str(), records[0]["outcome"].as_str()), (Some("allow"), Some("409")));
}

async fn what_cannot_be_decided_is_recorded_as_such(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    audited.trusting.weir.govern(vec![Plugin::guest(json!({"behaviour": "internal"}))]).await;
    let catalog = audited.catalog_of(&audited.trusting.provider.token("alice"));

    catalog.get("/namespaces/ns/tables/t").send().await.expect(503);

    let record = audited.records().pop().expect("a record");
    assert_eq!((record["verdict"].as_str(), record["outcome"].as_str()), (Some("error"), Some("503")), "{record}");
    assert!(record["code"].is_string(), "{record}");
}

async fn who_is_not_let_in_is_recorded_as_nobody(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let claims = audited.trusting.provider.claims("admin").to_string();
    let forged = weir_tests::oidc::SigningKey::es256("one");

    let token = forged.sign(&forged.header().to_string(), &claims);
    audited.trusting.whoami(&token).await.expect(401);

    let records = audited.records();
    assert_eq!(records.len(), 1, "{records:?}");
    let told = ["caller", "action", "verdict", "outcome"].map(|field| records[0][field].as_str());
    assert_eq!(told, [Some("unknown"), Some("authenticate"), Some("deny"), Some("401")]);
    assert!(!audited.text().contains("admin"), "what a token says that is not believed is no news");
}

async fn reading_is_recorded_only_where_everything_is(engine: Engine) {
    for (decisions, recorded) in [("changes", false), ("all", true), ("none", false)] {
        let audited = Audited::open(engine, &[("WEIR__AUDIT__DECISIONS", decisions)]).await;
        let catalog = audited.catalog_of(&audited.trusting.provider.token("bob"));

        catalog.get("/namespaces/ns/tables/t").send().await.expect(200);

        let records = audited.records();
        assert_eq!(records.iter().any(|one| one["action"] == "table:describe"), recorded, "{decisions}: {records:?}");
    }
}

async fn no_record_holds_a_token_or_a_value(engine: Engine) {
    let audited = Audited::open(engine, &[("WEIR__AUDIT__DECISIONS", "all")]).await;
    let token = audited.trusting.provider.token_with("alice", json!({"secret": "canary-claim"}));
    let catalog = audited.catalog_of(&token);

    catalog.post("/namespaces", new_namespace()).send().await.expect(200);
    let commit = bodies::commit(json!([]), bodies::set_property("password", "canary-property"));
    catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);
    catalog
        .get("/namespaces/ns/tables/t?token=canary-query")
        .header("x-secret", "canary-header")
        .send()
        .await
        .expect(200);
    audited.trusting.with("canary-token").get("/management/v1/whoami").send().await.expect(401);
    audit::store_due_now(&audited.trusting.weir.app).await.expect("records are stored");

    let events = audited.events("weir.audit.recorded").await;
    assert!(events.len() > 3, "{events:?}");
    for text in [audited.text(), json!(events).to_string()] {
        for canary in ["canary", "eyJ", token.rsplit('.').next().expect("a signature")] {
            assert!(!text.contains(canary), "`{canary}` in {text}");
        }
    }
}

async fn records_become_events_in_the_order_in_which_they_were_made(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let app = &audited.trusting.weir.app;
    audit::store_due_now(app).await.expect("records are stored");
    let before = audited.events("weir.audit.recorded").await.len();
    let catalog = audited.catalog_of(&audited.trusting.provider.token("alice"));
    for name in ["a", "b", "c"] {
        let create = catalog.post("/namespaces", json!({"namespace": [name]}));
        create.header("x-request-id", name).send().await.expect(200);
    }

    assert_eq!(audit::store_due_now(app).await.expect("records are stored"), 3);
    assert_eq!(audit::store_due_now(app).await.expect("nothing is stored twice"), 0);

    let events = audited.events("weir.audit.recorded").await;
    let told: Vec<_> = events[before..].iter().map(|event| event["requestid"].clone()).collect();
    assert_eq!(told, ["a", "b", "c"]);
    let last = events.last().expect("an event");
    assert_eq!(last["actor"], "one~alice");
    assert_eq!(last["subject"], format!("warehouse/{}", audited.trusting.weir.prefix));
    assert_eq!(
        (last["data"]["verdict"].as_str(), last["data"]["outcome"].as_str()),
        (Some("allow"), Some("committed"))
    );
}

/// What is in the outbox before the task that brings records there has run is what no crash takes away.
async fn no_crash_parts_a_change_from_the_record_of_who_allowed_it(engine: Engine) {
    let audited = Audited::open(engine, &[]).await;
    let app = &audited.trusting.weir.app;
    audit::store_due_now(app).await.expect("records are stored");
    let before = audited.events("weir.audit.recorded").await.len();
    let catalog = audited.catalog_of(&audited.trusting.provider.token("alice"));
    let commit = || bodies::commit(json!([]), bodies::set_property("k", "v"));
    let ask = |path: &str, body: Value, id: &str| catalog.post(path, body).header("x-request-id", id);

    ask("/namespaces", json!({"namespace": ["new"]}), "namespace").send().await.expect(200);
    ask("/namespaces/new/tables", bodies::create_table("t"), "table").send().await.expect(200);
    ask("/namespaces/new/views", bodies::create_view("v"), "view").send().await.expect(200);
    ask("/namespaces/new/tables/t", commit(), "commit").send().await.expect(200);
    let asked = bodies::commit(json!([{"type": "assert-table-uuid", "uuid": uuid::Uuid::nil()}]), json!([]));
    ask("/namespaces/new/tables/t", asked, "lost").send().await.expect(409);

    let told = async || {
        let events = audited.events("weir.audit.recorded").await.split_off(before);
        let told = events.into_iter().map(|event| (event["requestid"].clone(), event["data"]["outcome"].clone()));
        told.collect::<Vec<_>>()
    };
    let stored = ["namespace", "table", "view", "commit"].map(|id| (json!(id), json!("committed")));
    assert_eq!(told().await, stored, "each with its change");
    audit::store_due_now(app).await.expect("records are stored");
    let all = [&stored[..], &[(json!("lost"), json!("409"))]].concat();
    assert_eq!(told().await, all, "nothing twice, and what changed nothing as it ended");
}

async fn the_log_tells_of_decisions_in_fields(engine: Engine) {
    let settings = [("WEIR__AUDIT__LOG", "true"), ("WEIR__LOG__FORMAT", "json")];
    let server = TestServer::start_with(engine, &settings).await;

    server.create_namespace("ns").await;

    let log = server.weir.log();
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.find(|line| line["target"] == "weir::audit").expect("a line of the audit");
    for (field, expected) in [
        ("caller.id", "anonymous"),
        ("action", "warehouse:create-namespace"),
        ("verdict", "allow"),
        ("rule", "allow-all"),
        ("outcome", "200"),
    ] {
        assert_eq!(line[field], expected, "{field} in {line}");
    }
}
