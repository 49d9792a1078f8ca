//! Keys of storages: never seen again, sealed anew, kept over a restart.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::canary::spellings;
use weir_tests::s3::{Fault, On};
use weir_tests::tools::succeed;
use weir_tests::{Engine, Http, Installation, S3Server, TestServer, bodies, on_both_engines};

use crate::lake::{SECRETS_KEY, body, house};

on_both_engines!(
    s8_the_key_of_a_storage_is_in_no_log_error_metric_or_answer,
    a_restarted_server_reaches_the_bucket_again,
    r5_a_server_that_dies_after_the_put_leaves_no_dangling_pointer,
    secrets_are_encrypted_anew_by_one_command,
    without_a_key_of_the_server_postgres_keeps_no_credential,
);

const NEW_KEY: &str = "the key that comes after the first one, long enough";
const TABLE: &str = "/namespaces/ns/tables/t";

/// A process with the warehouse `lake` in a bucket.
struct Served {
    s3: S3Server,
    server: TestServer,
    id: String,
}

impl Served {
    async fn start(engine: Engine) -> Self {
        let s3 = S3Server::start().await;
        let url = s3.url();
        let mut settings = vec![
            ("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()),
            ("WEIR__LOG__FILTER", "trace,cranelift_codegen=info,wasmtime=info"),
        ];
        if engine == Engine::Postgres {
            settings.push(("WEIR__SECRETS__KEY", SECRETS_KEY));
        }
        let server = TestServer::over(Installation::create(engine, &settings).await).await;
        let created = server.root.post("/management/v1/warehouse", body(&s3, "lake", "wh")).send().await;
        let id = created.expect(201).json()["warehouse-id"].as_str().expect("an id").to_owned();
        let served = Self { s3, server, id };
        served.catalog().post("/namespaces", json!({"namespace": ["ns"]})).send().await.expect(200);
        served.catalog().post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
        served
    }

    fn catalog(&self) -> Http {
        self.server.root.under(&format!("/catalog/v1/{}", self.id))
    }

    async fn commit(&self, value: &str) -> weir_tests::Answer {
        let body = bodies::commit(json!([]), bodies::set_property("a", value));
        self.catalog().post(TABLE, body).send().await
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = self.server.installation.command(0);
        command.args(arguments);
        succeed(command)
    }
}

async fn s8_the_key_of_a_storage_is_in_no_log_error_metric_or_answer(engine: Engine) {
    let served = Served::start(engine).await;
    let mut seen: Vec<(&str, String)> = Vec::new();
    let management = served.server.root.under("/management/v1");
    let warehouse = served.server.root.under(&format!("/management/v1/warehouse/{}", served.id));
    let mut wrong = body(&served.s3, "other", "other");
    wrong["storage-profile"]["bucket"] = json!("no-such-bucket");
    let mut nonsense = body(&served.s3, "other", "other");
    nonsense["storage-credential"]["credential-type"] = json!(S3Server::SECRET_ACCESS_KEY);
    let mut misplaced = body(&served.s3, "other", "other");
    misplaced["storage-credential"]["access-key-id"] = json!(format!("{}/x", S3Server::SECRET_ACCESS_KEY));

    for request in [wrong, nonsense, misplaced] {
        seen.push(("a refusal", management.post("/warehouse", request.clone()).send().await.expect(400).text()));
        seen.push(("a validation", management.post("/warehouse-creation-validation", request).send().await.text()));
    }
    let credential = json!({"new-storage-credential": S3Server::credential()});
    seen.push(("an update", warehouse.post("/storage-credential", credential).send().await.expect(200).text()));
    seen.push(("the warehouse", warehouse.get("").send().await.expect(200).text()));
    seen.push(("the list", management.get("/warehouse").send().await.expect(200).text()));
    seen.push(("a table", served.catalog().get(TABLE).send().await.expect(200).text()));
    served.s3.fail_next_times(10, On::Put, Fault::InternalError);
    seen.push(("a failed commit", served.commit("1").await.expect(429).text()));
    seen.push(("the configuration", served.run(&["config", "show"])));
    seen.push(("the log", served.server.weir.log()));

    for (place, text) in &seen {
        for canary in spellings(S3Server::SECRET_ACCESS_KEY) {
            assert!(!text.contains(&canary), "{place} shows {canary}:\n{text}");
        }
        assert!(!text.contains(SECRETS_KEY), "{place} shows the key of the secrets");
    }
    let database = std::fs::read(served.server.installation.home().join("weir.db")).unwrap_or_default();
    let plain = S3Server::SECRET_ACCESS_KEY.as_bytes();
    assert!(!database.windows(plain.len()).any(|window| window == plain));
}

async fn a_restarted_server_reaches_the_bucket_again(engine: Engine) {
    let mut served = Served::start(engine).await;
    served.commit("1").await.expect(200);
    served.server.weir.terminate(Duration::from_secs(20));

    served.server.restart().await;

    served.commit("2").await.expect(200);
    let loaded = served.catalog().get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata"]["properties"]["a"], "2");
}

/// The storage takes the file and never answers, the process is killed while it waits.
async fn r5_a_server_that_dies_after_the_put_leaves_no_dangling_pointer(engine: Engine) {
    let mut served = Served::start(engine).await;
    let before = served.catalog().get(TABLE).send().await.expect(200).json();
    served.s3.fail_next(On::Put, Fault::StoredThenHang);
    let (catalog, files) = (served.catalog(), served.s3.keys(S3Server::BUCKET).len());
    let body = bodies::commit(json!([]), bodies::set_property("a", "1"));
    let asking = tokio::spawn(async move { catalog.post(TABLE, body).try_send().await });
    while served.s3.keys(S3Server::BUCKET).len() == files {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    served.server.weir.kill();
    assert!(asking.await.expect("it ends").is_none());
    served.server.restart().await;

    let loaded = served.catalog().get(TABLE).send().await.expect(200).json();
    assert_eq!(loaded["metadata-location"], before["metadata-location"]);
    assert_eq!(loaded["metadata"], before["metadata"]);
    served.commit("1").await.expect(200);
}

/// On Postgres while the catalog serves; an embedded one is stopped, and gets another key file.
async fn secrets_are_encrypted_anew_by_one_command(engine: Engine) {
    let mut served = Served::start(engine).await;
    let file = served.server.installation.home().join("weir.key");
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    match engine {
        Engine::Sqlite => drop(served.server.weir.terminate(Duration::from_secs(20))),
        Engine::Postgres => {
            served.server.installation.set("WEIR__SECRETS__PREVIOUS_KEY", SECRETS_KEY);
            served.server.installation.set("WEIR__SECRETS__KEY", NEW_KEY);
            served.server.restart().await;
            served.commit("0").await.expect(200);
        }
    }

    let said = served.run(&["secrets", "rotate"]);

    assert!(said.contains("1 secrets are encrypted anew"), "{said}");
    served.server.installation.set("WEIR__SECRETS__PREVIOUS_KEY", NEW_KEY);
    if engine == Engine::Sqlite {
        served.server.installation.unset("WEIR__SECRETS__PREVIOUS_KEY");
        assert_ne!(std::fs::read_to_string(&file).expect("a key file"), before);
    }
    served.server.restart().await;
    served.commit("1").await.expect(200);
}

async fn without_a_key_of_the_server_postgres_keeps_no_credential(engine: Engine) {
    let s3 = S3Server::start().await;
    let url = s3.url();
    let settings = [("WEIR__STORAGE__S3__ENDPOINTS", url.as_str())];
    let answer = |house: Http| async move { house.post("/warehouse", body(&s3, "lake", "wh")).send().await };
    if engine == Engine::Sqlite {
        let house = house(engine, &S3Server::start().await, &settings).await;
        answer(house.management.clone()).await.expect(201);
        return;
    }
    let house = crate::house::House::open_with(engine, &settings).await;

    let message = answer(house.management.clone()).await.expect_error(400, "BadRequestException");

    assert!(message.contains("WEIR__SECRETS__KEY"), "{message}");
    let listed: Value = house.management.get("/warehouse").send().await.expect(200).json();
    assert_eq!(listed["warehouses"].as_array().expect("a list").len(), 1);
}
