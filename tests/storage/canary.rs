//! S8: of all keys that pass through the catalog, none shows itself anywhere but to whom it was given.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::canary::spellings;
use weir_tests::s3::{Fault, On};
use weir_tests::{
    Engine, Http, Installation, Received, Receiver, S3Server, TestServer, bodies, guests, on_both_engines,
};

use crate::lake::{SIGNING, VENDED};

on_both_engines!(s8_no_key_that_was_made_is_in_log_metrics_traces_audit_events_or_errors);

const SECRETS_KEY: &str = "canary: a key that only tests have, of more than 32 characters";
const TABLE: &str = "/namespaces/ns/tables/t";

/// A process with every way out open, the log as talkative as it gets, a warehouse that is reached by a role.
struct Served {
    s3: S3Server,
    events: Receiver,
    traces: Receiver,
    server: TestServer,
    catalog: Http,
    management: Http,
    id: String,
}

impl Served {
    async fn start(engine: Engine) -> Self {
        let (s3, events, traces) = (S3Server::start().await, Receiver::start().await, Receiver::start().await);
        let (s3_url, events_url, traces_url) = (s3.url(), events.url(), traces.url());
        let compiled = guests::compiled();
        let settings = [
            ("WEIR__STORAGE__S3__ENDPOINTS", s3_url.as_str()),
            ("WEIR__SECRETS__KEY", SECRETS_KEY),
            ("WEIR__LOG__FILTER", "trace,cranelift_codegen=info,wasmtime=info,regalloc2=info"),
            ("WEIR__TRACES__ENDPOINT", traces_url.as_str()),
            ("WEIR__EVENTS__WEBHOOKS__HOOK__URL", events_url.as_str()),
            ("WEIR__EVENTS__LOG", "true"),
            ("WEIR__EVENTS__POLL_INTERVAL_MS", "50"),
            ("WEIR__AUDIT__DECISIONS", "all"),
            ("WEIR__AUDIT__LOG", "true"),
            ("WEIR__AUDIT__OUTBOX", "true"),
            ("WEIR__AUDIT__FILE", "audit.jsonl"),
            ("WEIR__PLUGINS__CACHE_FOLDER", compiled.as_str()),
        ];
        let server = TestServer::over(Installation::create(engine, &settings).await).await;
        let management = server.root.under("/management/v1");
        let made = management.post("/warehouse", warehouse(&s3, "lake", "wh")).send().await.expect(201).json();
        let id = made["warehouse-id"].as_str().expect("an id").to_owned();
        let catalog = server.root.under(&format!("/catalog/v1/{id}"));
        catalog.post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
        catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
        Self { s3, events, traces, server, catalog, management, id }
    }

    async fn load(&self, (header, value): (&str, &str)) -> Value {
        self.catalog.get(TABLE).header(header, value).send().await.expect(200).json()
    }

    /// Keys are given and taken, requests signed; what the client is told of it is its own.
    async fn give_keys(&self) {
        self.load(VENDED).await;
        let loaded = self.load(SIGNING).await;
        self.catalog.get(&format!("{TABLE}/credentials")).send().await.expect(200);
        let place = loaded["metadata"]["location"].as_str().expect("a location").trim_start_matches("s3://").to_owned();
        let uri = format!("{}/{place}/data/x", self.s3.url());
        let body = json!({"method": "PUT", "region": S3Server::REGION, "uri": uri, "headers": {}});
        let signed = self.catalog.post(&format!("{TABLE}/sign"), body).send().await.expect(200);
        for secret in self.secrets() {
            let is_token = self.s3.assumed().iter().any(|one| one.session_token == secret);
            assert!(is_token || !signed.text().contains(&secret), "a signature shows the key that it was made by");
        }
    }

    /// What fails on the way, with every answer of it.
    async fn fail(&self, seen: &mut Vec<(&'static str, String)>) {
        self.s3.fail_next_times(10, On::Put, Fault::InternalError);
        seen.push(("a failed commit", self.commit().await));
        self.s3.heal();
        self.s3.fail_next_times(10, On::AssumeRole, Fault::AnswerLost);
        let created = bodies::create_table("other");
        self.catalog.post("/namespaces/ns/tables", created).send().await.expect(200);
        let failed = self.catalog.get("/namespaces/ns/tables/other").header(VENDED.0, VENDED.1).send().await;
        seen.push(("a failed exchange", failed.expect(503).text()));
        self.s3.heal();
        let refused = self.management.post("/warehouse", warehouse(&self.s3, "lake", "wh")).send().await;
        seen.push(("a refused warehouse", refused.text()));
        let outside = json!({"method": "GET", "region": S3Server::REGION, "uri": self.s3.url(), "headers": {}});
        seen.push(("a refused signature", self.catalog.post(&format!("{TABLE}/sign"), outside).send().await.text()));
    }

    async fn commit(&self) -> String {
        let body = bodies::commit(json!([]), bodies::set_property("a", "1"));
        self.catalog.post(TABLE, body).send().await.text()
    }

    /// Every secret that there is by now: the warehouse's, those of all sessions.
    fn secrets(&self) -> Vec<String> {
        let of_sessions = self.s3.assumed().into_iter().flat_map(|one| [one.secret_access_key, one.session_token]);
        [S3Server::SECRET_ACCESS_KEY.to_owned(), SECRETS_KEY.to_owned()].into_iter().chain(of_sessions).collect()
    }

    async fn pages(&self, seen: &mut Vec<(&'static str, String)>) {
        let own = format!("/warehouse/{}", self.id);
        let validated = self.management.post(&format!("{own}/storage/validate-access"), json!({})).send().await;
        seen.push(("a validation", validated.expect(200).text()));
        for path in [own.as_str(), "/warehouse", "/plugins", "/info"] {
            seen.push(("a page of the management API", self.management.get(path).send().await.text()));
        }
        let log = self.server.weir.log();
        let banner = log.lines().find_map(|line| line.trim_start().strip_prefix("metrics ")).expect("a banner");
        let url = banner.split_whitespace().next().expect("a URL");
        seen.push(("the metrics", Http::new(url).get("").send().await.expect(200).text()));
    }

    /// What lies on the disk, what was sent out; the server has ended.
    fn traces_left(&self, seen: &mut Vec<(&'static str, String)>) {
        let home = self.server.installation.home();
        let sent = |received: Vec<Received>| {
            assert!(!received.is_empty(), "nothing was sent");
            let bodies = received.iter().map(|one| format!("{:?}{}", one.headers, String::from_utf8_lossy(&one.body)));
            bodies.collect::<String>()
        };
        seen.push(("the log", self.server.weir.log()));
        seen.push(("the audit", std::fs::read_to_string(home.join("audit.jsonl")).expect("there is an audit")));
        seen.push(("the events", sent(self.events.take())));
        seen.push(("the traces", sent(self.traces.take())));
        if let Ok(database) = std::fs::read(home.join("weir.db")) {
            seen.push(("the database", String::from_utf8_lossy(&database).into_owned()));
        }
    }
}

fn warehouse(s3: &S3Server, name: &str, key_prefix: &str) -> Value {
    let mut profile = s3.profile(key_prefix);
    profile["sts-enabled"] = json!(true);
    profile["assume-role-arn"] = json!("arn:aws:iam::123456789012:role/catalog");
    json!({"warehouse-name": name, "storage-profile": profile, "storage-credential": S3Server::credential()})
}

async fn s8_no_key_that_was_made_is_in_log_metrics_traces_audit_events_or_errors(engine: Engine) {
    let mut served = Served::start(engine).await;
    let mut seen = Vec::new();

    served.give_keys().await;
    served.fail(&mut seen).await;
    served.pages(&mut seen).await;
    assert_eq!(served.server.weir.terminate(Duration::from_secs(60)), Some(0));
    served.traces_left(&mut seen);

    let secrets = served.secrets();
    assert!(secrets.len() > 6, "sessions were made: {}", secrets.len());
    for (place, text) in &seen {
        for secret in &secrets {
            for spelling in spellings(secret) {
                let at = text.find(&spelling);
                let around = at.map(|at| text.get(at.saturating_sub(300)..at + spelling.len()).unwrap_or_default());
                assert!(around.is_none(), "{place} shows a secret: {around:?}");
            }
        }
    }
}
