//! Several processes over one Postgres.

use futures_util::future::join_all;
use serde_json::json;
use weir_tests::oidc::Provider;
use weir_tests::{Engine, Http, Installation, TestServer, bodies, run_on};

const TABLE: &str = "/namespaces/ns/tables/t";

#[test]
fn r10_a_commit_through_one_replica_is_seen_through_the_other_at_once() {
    run_on(Engine::Postgres, |engine| async move {
        let server = TestServer::start(engine).await;
        server.create_namespace("ns").await;
        server.create_table("ns", "t").await;
        let (_other, catalog) = server.replica().await;
        let mut tag = catalog.get(TABLE).send().await.expect(200).header("etag").expect("a tag").to_owned();

        for number in 0..20 {
            let value = number.to_string();
            let body = bodies::commit(json!([]), bodies::set_property("n", &value));
            server.post(TABLE, body).send().await.expect(200);
            let loaded = catalog.get(TABLE).header("If-None-Match", &tag).send().await.expect(200);
            assert_eq!(loaded.json()["metadata"]["properties"]["n"], json!(value));
            tag = loaded.header("etag").expect("a tag").to_owned();
        }
    });
}

#[test]
fn r16_replicas_that_start_at_once_migrate_once() {
    run_on(Engine::Postgres, |engine| async move {
        let installation = Installation::create(engine, &[]).await;

        let replicas = join_all((0..4).map(|_| installation.start())).await;

        let mut prefixes = Vec::new();
        for replica in &replicas {
            let http = weir_tests::Http::new(&replica.url());
            let config = http.get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
            prefixes.push(config["overrides"]["prefix"].to_string());
        }
        prefixes.dedup();
        assert_eq!(prefixes.len(), 1, "one first start made one warehouse: {prefixes:?}");
    });
}

#[test]
fn r13_a_key_used_through_one_replica_is_known_to_the_other() {
    run_on(Engine::Postgres, |engine| async move {
        let server = TestServer::start(engine).await;
        let (_other, catalog) = server.replica().await;
        let key = uuid::Uuid::now_v7().to_string();

        for door in [&server.catalog, &catalog] {
            let create = door.post("/namespaces", json!({ "namespace": ["a"] })).header("Idempotency-Key", &key);
            create.send().await.expect(200);
        }
    });
}

/// Each replica remembers people, tables, keys; none may give what another one took away.
#[test]
fn r18_what_one_replica_takes_away_the_other_gives_to_nobody() {
    run_on(Engine::Postgres, |engine| async move {
        let provider = Provider::start().await;
        let mut settings = provider.settings("oidc");
        settings.push(("WEIR__AUTHORIZATION__ADMINISTRATORS".into(), "oidc~admin".into()));
        settings.push(("WEIR__PLUGINS__LOAD__CEDAR__SOURCE".into(), "builtin:cedar".into()));
        settings.push(("WEIR__PLUGINS__LOAD__CEDAR__SETTINGS_FILE".into(), "policies.json".into()));
        // Two processes, a Postgres, another test share the machine: 100 ms are now and then too few for an answer.
        settings.push(("WEIR__PLUGINS__LOAD__CEDAR__LIMITS__DEADLINE_MS".into(), "20000".into()));
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let installation = Installation::create(engine, &settings).await;
        let policies = |readers: &str| {
            let policies = format!(
                r#"permit (principal == Weir::User::"oidc~admin", action, resource);
                   permit (principal in Weir::Role::"{readers}", action in Weir::Action::"read", resource);"#
            );
            let file = installation.home().join("policies.json");
            std::fs::write(file, json!({ "policies": policies }).to_string()).expect("the file can be written");
        };
        policies("nobody");
        let (one, two) = (installation.start().await, installation.start().await);
        let [here, there] = [&one, &two].map(|weir| Http::new(&weir.url()));
        let [admin, bob] = ["admin", "bob"].map(|name| provider.token(name));
        let warehouse =
            here.bearing(&admin).get("/catalog/v1/config?warehouse=default").send().await.expect(200).json();
        let prefix = warehouse["overrides"]["prefix"].as_str().expect("a prefix").to_owned();
        let catalog = here.bearing(&admin).under(&format!("/catalog/v1/{prefix}"));
        catalog.post("/namespaces", json!({ "namespace": ["ns"] })).send().await.expect(200);
        catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await.expect(200);
        let management = here.bearing(&admin).under("/management/v1");
        let role = management.post("/role", json!({ "name": "readers" })).send().await.expect(201).json();
        let role = role["id"].as_str().expect("an id");
        policies(role);
        for door in [&here, &there] {
            door.bearing(&admin).post("/management/v1/plugins/reload", json!({})).send().await.expect(200);
        }
        let members = format!("/role/{role}/members");
        let bob_is_in = json!({ "members": [{ "type": "user", "id": "oidc~bob" }] });
        there.bearing(&bob).get("/management/v1/whoami").send().await.expect(200);
        let elsewhere = there.bearing(&bob).under(&format!("/catalog/v1/{prefix}"));
        let load = |tag: &str| elsewhere.get(TABLE).header("If-None-Match", tag).send();

        for _ in 0..5 {
            management.post(&members, bob_is_in.clone()).send().await.expect(200);
            let tag = load("none").await.expect(200).header("etag").expect("a tag").to_owned();
            load(&tag).await.expect(304);
            management.delete(&format!("{members}/user/oidc~bob")).send().await.expect(204);
            load(&tag).await.expect_error(404, "NoSuchTableException");
        }
        management.post(&members, bob_is_in.clone()).send().await.expect(200);
        let tag = load("none").await.expect(200).header("etag").expect("a tag").to_owned();
        catalog.delete(TABLE).send().await.expect(204);
        load(&tag).await.expect_error(404, "NoSuchTableException");
    });
}
