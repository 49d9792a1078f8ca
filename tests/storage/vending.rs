//! Keys for clients: for the table, for the right that the caller has, for a while.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use weir_tests::s3::{Fault, On};
use weir_tests::{Engine, S3Server, bodies, guests, on_both_engines};

use crate::lake::{KEYS, Lake, NOTHING, SIGNATURES, SIGNING, VENDED, key_of};

on_both_engines!(
    a_client_that_asks_gets_keys_for_the_table,
    a_client_that_does_not_ask_gets_no_keys_and_waits_for_nobody,
    s14_a_reader_s_keys_do_not_write,
    a_caller_who_may_not_read_gets_nothing,
    without_any_means_there_is_no_element,
    keys_are_served_for_half_their_life,
    r19_many_loads_at_once_make_one_session,
    s19_a_tag_holds_as_long_as_the_keys_do,
    s13_a_table_outside_its_warehouse_is_not_vended,
    a_new_credential_ends_what_was_remembered,
    s15_a_rename_ends_what_was_remembered,
    a_staged_table_at_a_chosen_place_gets_no_keys,
    where_drops_are_soft_clients_are_told_not_to_delete_files,
    t39_a_plugin_that_goes_too_far_gives_nothing,
    r27_a_silent_token_service_keeps_no_other_load_waiting,
    r27_what_a_token_service_refuses_is_not_held_against_the_plugin,
    r27_a_silent_token_service_leaves_instances_to_signatures,
    r27_a_silent_token_service_keeps_no_crowd_waiting,
);

/// The flat keys, the element, the policy that STS got.
async fn a_client_that_asks_gets_keys_for_the_table(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let created = lake.create_table("t").await;
    assert!(created.get("storage-credentials").is_none(), "nobody asked: {created}");

    let loaded = lake.load("t", VENDED).await;

    let credential = &loaded["storage-credentials"][0];
    assert_eq!(credential["prefix"], loaded["metadata"]["location"]);
    let config = &credential["config"];
    for key in ["s3.access-key-id", "s3.secret-access-key", "s3.session-token", "s3.session-token-expires-at-ms"] {
        assert!(config[key].is_string(), "{key}: {config}");
        assert_eq!(loaded["config"][key], config[key], "older clients read the flat key {key}");
    }
    assert_ne!(config["s3.access-key-id"], S3Server::ACCESS_KEY_ID);
    assert_eq!(loaded["config"]["client.region"], S3Server::REGION);
    assert_eq!(loaded["config"]["s3.endpoint"], lake.s3.url());
    assert_eq!(loaded["config"]["s3.path-style-access"], "true");
    let refresh = loaded["config"]["client.refresh-credentials-endpoint"].as_str().expect("a path");
    let refreshed = lake.root.get(&format!("/catalog/{refresh}")).send().await.expect(200).json();
    assert_eq!(refreshed["storage-credentials"], loaded["storage-credentials"]);
    let assumed = lake.s3.assumed();
    let policy: Value = serde_json::from_str(assumed[0].policy.as_deref().expect("a policy")).expect("JSON");
    let below = json!([format!("arn:aws:s3:::lake/{}/*", key_of(&loaded))]);
    assert_eq!(policy["Statement"][0]["Resource"], below);
    assert_eq!(assumed[0].session_name, "weir-anonymous", "the caller stands in the storage's log");
}

async fn a_client_that_does_not_ask_gets_no_keys_and_waits_for_nobody(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;

    let loaded = lake.catalog.get("/namespaces/ns/tables/t").send().await.expect(200).json();

    assert!(loaded.get("storage-credentials").is_none(), "{loaded}");
    assert_eq!(loaded["config"]["client.region"], S3Server::REGION);
    assert!(lake.s3.assumed().is_empty());
}

/// An authorizer that lets read, not write.
async fn govern(lake: &Lake, effect: &str, action: &str) {
    let settings = json!({"rules": [{"effect": effect, "action": action}]});
    lake.serve(&[(guests::guest("guest"), settings), (guests::bundled("s3"), json!({}))]).await;
}

async fn s14_a_reader_s_keys_do_not_write(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    lake.load("t", VENDED).await;
    govern(&lake, "deny", "table:write").await;

    lake.load("t", VENDED).await;

    let assumed = lake.s3.assumed();
    let policy = assumed.last().expect("a session").policy.clone().expect("a policy");
    assert!(policy.contains("s3:GetObject") && !policy.contains("s3:PutObject"), "{policy}");
    assert!(assumed[0].policy.as_deref().expect("a policy").contains("s3:PutObject"));
}

async fn a_caller_who_may_not_read_gets_nothing(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    govern(&lake, "deny", "table:read").await;

    let loaded = lake.load("t", VENDED).await;

    assert!(loaded.get("storage-credentials").is_none(), "{loaded}");
    let credentials = lake.catalog.get("/namespaces/ns/tables/t/credentials").send().await.expect(200).json();
    assert_eq!(credentials["storage-credentials"], json!([]));
    assert!(lake.s3.assumed().is_empty());
}

async fn without_any_means_there_is_no_element(engine: Engine) {
    let lake = Lake::open(engine, NOTHING).await;
    lake.create_table("t").await;
    for asked in [VENDED, SIGNING] {
        let loaded = lake.load("t", asked).await;
        assert!(loaded.get("storage-credentials").is_none(), "{loaded}");
        assert!(loaded["config"].get("s3.remote-signing-enabled").is_none(), "{loaded}");
    }
    let lake = Lake::open(engine, SIGNATURES).await;
    lake.create_table("t").await;
    let loaded = lake.load("t", VENDED).await;
    assert!(loaded.get("storage-credentials").is_none(), "a client that cannot sign is not told to: {loaded}");
    assert!(loaded["config"].get("s3.remote-signing-enabled").is_none(), "{loaded}");
}

/// R17: the clock that counts is the catalog's.
async fn keys_are_served_for_half_their_life(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    let first = lake.load("t", VENDED).await;
    lake.app.clock.shift_ms(1_700_000);
    assert_eq!(lake.load("t", VENDED).await["storage-credentials"], first["storage-credentials"]);

    lake.app.clock.shift_ms(200_000);

    assert_ne!(lake.load("t", VENDED).await["storage-credentials"], first["storage-credentials"]);
    assert_eq!(lake.s3.assumed().len(), 2);
}

async fn r19_many_loads_at_once_make_one_session(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;

    let loads = (0..50).map(|_| lake.load("t", VENDED));
    let loaded = futures_util::future::join_all(loads).await;

    assert!(loaded.iter().all(|one| one["storage-credentials"] == loaded[0]["storage-credentials"]));
    assert_eq!(lake.s3.assumed().len(), 1);
}

async fn s19_a_tag_holds_as_long_as_the_keys_do(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    let path = "/namespaces/ns/tables/t";
    let loaded = lake.catalog.get(path).header(VENDED.0, VENDED.1).send().await.expect(200);
    let tag = loaded.header("etag").expect("a tag").to_owned();
    let again = || lake.catalog.get(path).header(VENDED.0, VENDED.1).header("If-None-Match", &tag);
    again().send().await.expect(304);
    lake.catalog.get(path).header("If-None-Match", &tag).send().await.expect(200);

    lake.app.clock.shift_ms(1_900_000);

    again().send().await.expect(200);
}

/// The warehouse moved under its tables' feet: what was fine once is not vended.
async fn s13_a_table_outside_its_warehouse_is_not_vended(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    lake.load("t", VENDED).await;
    lake.move_root("elsewhere").await;

    let path = "/namespaces/ns/tables/t";
    lake.catalog.get(&format!("{path}/credentials")).send().await.expect_error(403, "ForbiddenException");
    lake.catalog.get(path).header(VENDED.0, VENDED.1).send().await.expect_error(403, "ForbiddenException");
}

async fn a_new_credential_ends_what_was_remembered(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    lake.load("t", VENDED).await;
    lake.s3.add_key("AKIASECOND", "another-secret");
    let mut credential = S3Server::credential();
    credential["access-key-id"] = json!("AKIASECOND");
    credential["secret-access-key"] = json!("another-secret");
    let body = json!({"new-storage-credential": credential});
    lake.warehouse.post("/storage-credential", body).send().await.expect(200);

    lake.load("t", VENDED).await;

    assert_eq!(lake.s3.assumed().len(), 2);
}

/// A plugin may give less in one namespace than in another.
async fn s15_a_rename_ends_what_was_remembered(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    lake.load("t", VENDED).await;
    let ident = |name: &str| json!({"namespace": ["ns"], "name": name});
    let body = json!({"source": ident("t"), "destination": ident("secret")});
    lake.catalog.post("/tables/rename", body).send().await.expect(204);

    lake.load("secret", VENDED).await;

    assert_eq!(lake.s3.assumed().len(), 2);
}

/// Nobody has looked yet whether the place belongs to another table.
async fn a_staged_table_at_a_chosen_place_gets_no_keys(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let victim = lake.create_table("victim").await;
    let mut staged = bodies::create_table("staged");
    staged["stage-create"] = json!(true);
    let ask = |body: Value| lake.catalog.post("/namespaces/ns/tables", body).header(VENDED.0, VENDED.1);
    let fresh = ask(staged.clone()).send().await.expect(200).json();
    assert!(fresh["storage-credentials"].is_array(), "a fresh place is nobody else's: {fresh}");

    staged["location"] = victim["metadata"]["location"].clone();
    let answer = ask(staged).send().await;

    assert!(!answer.text().contains("storage-credentials"), "{}", answer.text());
}

/// What Spark purges by itself could not be brought back; the operator may want clients to delete all the same.
async fn where_drops_are_soft_clients_are_told_not_to_delete_files(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    let told = async || lake.load("t", VENDED).await["config"]["s3.delete-enabled"].clone();
    assert_eq!(told().await, Value::Null, "what is dropped is gone anyway");
    let soft = json!({"delete-profile": {"type": "soft", "expiration-seconds": 60}});
    lake.warehouse.post("/delete-profile", soft).send().await.expect(200);

    assert_eq!(told().await, "false");

    let mut profile = lake.s3.profile("wh");
    profile["sts-enabled"] = json!(true);
    profile["push-s3-delete-disabled"] = json!(false);
    let body = json!({"storage-profile": profile, "storage-credential": S3Server::credential()});
    lake.warehouse.post("/storage", body).send().await.expect(200);
    assert_eq!(told().await, Value::Null, "the profile says that they may");
}

async fn t39_a_plugin_that_goes_too_far_gives_nothing(engine: Engine) {
    let lake = Lake::without_plugin(engine, KEYS).await;
    lake.create_table("t").await;
    let sts = format!("{}/", lake.s3.url());
    let hostile = json!({"behaviour": "prefix", "text": "s3://lake/", "sts": sts});
    lake.serve(&[(guests::guest("store"), hostile)]).await;

    let refused = lake.catalog.get("/namespaces/ns/tables/t").header(VENDED.0, VENDED.1).send().await;

    assert!(refused.status >= 500, "{}", refused.text());
    assert!(!refused.text().contains("session-token") && !refused.text().contains("ASIA"), "{}", refused.text());
    lake.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

/// The token service is down; loads that ask it nothing go on.
async fn r27_a_silent_token_service_keeps_no_other_load_waiting(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.create_table("t").await;
    lake.s3.set_quirks(weir_tests::s3::Quirks { has_sts: false, ..Default::default() });

    let asked = lake.catalog.get("/namespaces/ns/tables/t").header(VENDED.0, VENDED.1).send().await;

    asked.expect_error(503, "ServiceUnavailableException");
    lake.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

/// One plugin serves all warehouses: a role that is wrong in one of them must not have it left alone in the others.
async fn r27_what_a_token_service_refuses_is_not_held_against_the_plugin(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let key = key_of(&lake.create_table("t").await);
    lake.s3.set_quirks(weir_tests::s3::Quirks { has_sts: false, ..Default::default() });
    for _ in 0..12 {
        let asked = lake.catalog.get("/namespaces/ns/tables/t").header(VENDED.0, VENDED.1).send().await;
        asked.expect_error(503, "ServiceUnavailableException");
    }

    let uri = format!("{}/lake/{key}/data/x", lake.s3.url());
    let body = json!({"method": "GET", "region": S3Server::REGION, "uri": uri, "headers": {}});
    lake.catalog.post("/namespaces/ns/tables/t/sign", body).send().await.expect(200);
}

/// Loads that wait for a token service hold some of the plugin's instances, not all.
async fn r27_a_silent_token_service_leaves_instances_to_signatures(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let mut key = String::new();
    for number in 0..8 {
        key = key_of(&lake.create_table(&format!("t{number}")).await);
    }
    lake.s3.fail_next_times(8, On::AssumeRole, Fault::Hang);
    let load = |number| lake.catalog.get(&format!("/namespaces/ns/tables/t{number}")).header(VENDED.0, VENDED.1).send();
    let loads = futures_util::future::join_all((0..8).map(load));
    let signs = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(lake.s3.heal() >= 4, "at most four of one warehouse wait at the service");
        let uri = format!("{}/lake/{key}/data/x", lake.s3.url());
        let body = json!({"method": "GET", "region": S3Server::REGION, "uri": uri, "headers": {}});
        lake.catalog.post("/namespaces/ns/tables/t7/sign", body).send().await.expect(200);
    };

    tokio::select! {
        loaded = loads => panic!("{} loads were answered without the token service", loaded.len()),
        () = signs => {}
    }
}

/// Four are at the service, sixty wait for them; whoever comes then hears at once that it is no use.
async fn r27_a_silent_token_service_keeps_no_crowd_waiting(engine: Engine) {
    const CROWD: usize = 70;
    let lake = Lake::open(engine, KEYS).await;
    for number in 0..CROWD {
        lake.create_table(&format!("t{number}")).await;
    }
    lake.s3.fail_next_times(CROWD, On::AssumeRole, Fault::Hang);
    let load = |number| lake.catalog.get(&format!("/namespaces/ns/tables/t{number}")).header(VENDED.0, VENDED.1).send();
    let mut loads: FuturesUnordered<_> = (0..CROWD).map(load).collect();

    // Those that wait give up after ten seconds.
    let refused = tokio::time::timeout(Duration::from_secs(8), async {
        for _ in 0..CROWD - 64 {
            let answer = loads.next().await.expect("there are more");
            answer.expect_error(503, "ServiceUnavailableException");
        }
    });

    refused.await.expect("they are not kept waiting");
}
