//! `secrets-key.md`, step by step: the key is rotated while the catalog serves, then lost.

use serde_json::{Value, json};
use weir_tests::tools::succeed;
use weir_tests::{Answer, Engine, Http, Installation, S3Server, TestServer, bodies, run_on};

const OLD: &str = "the first key that only this test has, long enough";
const NEW: &str = "the second key that only this test has, long enough";
const TABLE: &str = "/namespaces/ns/tables/t";

/// A catalog on Postgres with a warehouse in a bucket.
struct Lake {
    s3: S3Server,
    server: TestServer,
    id: String,
}

impl Lake {
    async fn open(engine: Engine) -> Self {
        let s3 = S3Server::start().await;
        let url = s3.url();
        let settings = [("WEIR__STORAGE__S3__ENDPOINTS", url.as_str()), ("WEIR__SECRETS__KEY", OLD)];
        let server = TestServer::over(Installation::create(engine, &settings).await).await;
        let body = json!({
            "warehouse-name": "lake", "storage-profile": s3.profile("wh"), "storage-credential": S3Server::credential(),
        });
        let created = server.root.post("/management/v1/warehouse", body).send().await.expect(201).json();
        let id = created["warehouse-id"].as_str().expect("an id").to_owned();
        let lake = Self { s3, server, id };
        lake.catalog().post("/namespaces", json!({ "namespace": ["ns"] })).send().await.expect(200);
        lake.catalog().post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
        lake
    }

    fn catalog(&self) -> Http {
        self.server.root.under(&format!("/catalog/v1/{}", self.id))
    }

    async fn commit(&self, value: &str) -> Answer {
        let body = bodies::commit(json!([]), bodies::set_property("a", value));
        self.catalog().post(TABLE, body).send().await
    }

    /// All replicas, here one, with these keys from now on.
    async fn start_with(&mut self, key: &str, previous: Option<&str>) {
        self.server.installation.set("WEIR__SECRETS__KEY", key);
        match previous {
            Some(previous) => self.server.installation.set("WEIR__SECRETS__PREVIOUS_KEY", previous),
            None => self.server.installation.unset("WEIR__SECRETS__PREVIOUS_KEY"),
        }
        self.server.restart().await;
    }

    fn rotate(&self) -> String {
        let mut rotate = self.server.installation.command(0);
        rotate.args(["secrets", "rotate"]);
        succeed(rotate)
    }
}

#[test]
fn the_secrets_key_is_rotated_and_then_lost_as_the_guide_says() {
    run_on(Engine::Postgres, |engine| async move {
        let mut lake = Lake::open(engine).await;
        for (step, (key, previous)) in [(OLD, Some(NEW)), (NEW, Some(OLD))].into_iter().enumerate() {
            lake.start_with(key, previous).await;
            lake.commit(&format!("step {step}")).await.expect(200);
        }
        let (first, second) = (lake.rotate(), lake.rotate());
        assert!(first.contains("1 secrets are encrypted anew"), "{first}");
        assert!(second.contains("0 secrets are encrypted anew"), "{second}");
        lake.start_with(NEW, None).await;
        lake.commit("rotated").await.expect(200);

        lake.start_with("a third key, because the second one was lost", None).await;
        let listed: Value = lake.catalog().get("/namespaces/ns/tables").send().await.expect(200).json();
        assert_eq!(listed["identifiers"].as_array().map(Vec::len), Some(1), "tables are still listed");
        let refused = lake.catalog().get(TABLE).send().await;
        assert!(refused.expect_error(503, "ServiceUnavailableException").contains("previous_key"));
        let refused = lake.commit("without the key").await;
        assert_eq!(refused.status, 429, "it is known that nothing was committed: {}", refused.text());
        let again = json!({ "new-storage-credential": S3Server::credential() });
        let path = format!("/management/v1/warehouse/{}/storage-credential", lake.id);
        lake.server.root.post(&path, again).send().await.expect(200);

        lake.commit("given again").await.expect(200);
        let loaded: Value = lake.catalog().get(TABLE).send().await.expect(200).json();
        assert_eq!(loaded["metadata"]["properties"]["a"], "given again");
        assert!(lake.s3.keys(S3Server::BUCKET).len() >= 5, "each commit is a file in the bucket");
    });
}
