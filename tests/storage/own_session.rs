//! Where a warehouse's profile names a role, the catalog itself comes to the bucket by sessions of it.

use serde_json::{Value, json};
use weir_tests::s3::{Quirks, Recorded};
use weir_tests::{Ask, Engine, S3Server, bodies, guests, on_both_engines};

use crate::lake::{KEYS, Lake, NOTHING, Offers, VENDED, key_of};

on_both_engines!(
    the_catalog_reads_and_writes_by_the_key_of_its_session,
    the_catalog_s_session_ends_at_the_warehouse_s_root,
    r19_many_commits_at_once_make_one_session,
    r17_a_session_is_renewed_once_half_of_its_life_is_over,
    a_session_serves_on_while_the_token_service_is_down_and_no_longer,
    without_a_token_service_the_key_of_the_warehouse_is_not_used,
    a_role_that_is_refused_makes_no_warehouse,
    a_role_that_is_withdrawn_stops_writing_and_says_so,
    a_plugin_that_gives_no_keys_is_no_way_round_the_role,
    requests_are_signed_by_the_session_whose_token_comes_along,
    a_warehouse_with_a_role_passes_its_validation,
);

const ROLE: &str = "arn:aws:iam::123456789012:role/catalog";

/// What is sent to change the storage to one that is reached by the role.
fn by_role(lake: &Lake, offers: Offers) -> Value {
    let mut profile = lake.s3.profile("wh");
    profile["assume-role-arn"] = json!(ROLE);
    profile["sts-enabled"] = json!(offers.sts);
    profile["remote-signing-enabled"] = json!(offers.signing);
    json!({"storage-profile": profile, "storage-credential": S3Server::credential()})
}

/// A lake whose key opens the role, nothing else.
async fn open(engine: Engine, offers: Offers) -> Lake {
    let lake = Lake::open(engine, offers).await;
    lake.s3.let_only_assume(S3Server::ACCESS_KEY_ID);
    lake.warehouse.post("/storage", by_role(&lake, offers)).send().await.expect(200);
    lake
}

/// Requests for objects since there were so many, by whose key they came.
fn touched(lake: &Lake, since: usize) -> Vec<Recorded> {
    lake.s3.recorded().into_iter().skip(since).filter(|one| !one.bucket.is_empty()).collect()
}

fn commit(lake: &Lake, value: &str) -> Ask {
    let body = bodies::commit(json!([]), bodies::set_property("a", value));
    lake.catalog.post("/namespaces/ns/tables/t", body)
}

async fn the_catalog_reads_and_writes_by_the_key_of_its_session(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    let before = lake.s3.recorded().len();

    let created = lake.create_table("t").await;
    commit(&lake, "1").send().await.expect(200);
    lake.catalog.post("/namespaces/ns/tables/t/unregister", json!({})).send().await.expect(200);
    let again = json!({"name": "again", "metadata-location": created["metadata-location"]});
    lake.catalog.post("/namespaces/ns/register", again).send().await.expect(200);

    let session = lake.s3.assumed().pop().expect("a session");
    assert_eq!((session.role_arn.as_str(), session.session_name.as_str()), (ROLE, "weir@catalog"));
    let touched = touched(&lake, before);
    assert!(touched.iter().any(|one| one.method == "GET") && touched.iter().any(|one| one.method == "PUT"));
    assert!(touched.iter().all(|one| one.access_key_id == session.access_key_id), "{touched:?}");
}

async fn the_catalog_s_session_ends_at_the_warehouse_s_root(engine: Engine) {
    let lake = open(engine, NOTHING).await;

    lake.create_table("t").await;

    let session = lake.s3.assumed().pop().expect("a session");
    let policy: Value = serde_json::from_str(&session.policy.expect("a policy")).expect("JSON");
    assert_eq!(policy["Statement"][0]["Resource"], json!(["arn:aws:s3:::lake/wh/*"]));
    assert!(policy["Statement"][0]["Action"].to_string().contains("s3:PutObject"));
}

async fn r19_many_commits_at_once_make_one_session(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    let before = lake.s3.assumed().len();

    let creations = (0..20).map(|number| {
        let body = bodies::create_table(&format!("t{number}"));
        lake.catalog.post("/namespaces/ns/tables", body).send()
    });
    for created in futures_util::future::join_all(creations).await {
        created.expect(200);
    }

    assert_eq!(lake.s3.assumed().len() - before, 1);
}

async fn r17_a_session_is_renewed_once_half_of_its_life_is_over(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    lake.create_table("t").await;
    let sessions = lake.s3.assumed().len();

    lake.app.clock.shift_ms(1_700_000);
    commit(&lake, "1").send().await.expect(200);
    assert_eq!(lake.s3.assumed().len(), sessions);
    lake.app.clock.shift_ms(200_000);
    let before = lake.s3.recorded().len();
    commit(&lake, "2").send().await.expect(200);

    assert_eq!(lake.s3.assumed().len(), sessions + 1);
    let newest = lake.s3.assumed().pop().expect("a session").access_key_id;
    assert!(touched(&lake, before).iter().all(|one| one.access_key_id == newest));
}

async fn a_session_serves_on_while_the_token_service_is_down_and_no_longer(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    lake.create_table("t").await;
    lake.s3.set_quirks(Quirks { has_sts: false, ..Quirks::default() });

    lake.app.clock.shift_ms(1_900_000);
    commit(&lake, "1").send().await.expect(200);
    lake.app.clock.shift_ms(1_700_000);
    let refused = commit(&lake, "2").send().await.expect(429);

    assert!(refused.text().contains("assume-role-arn"), "{}", refused.text());
}

async fn without_a_token_service_the_key_of_the_warehouse_is_not_used(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    lake.s3.set_quirks(Quirks { has_sts: false, ..Quirks::default() });
    let before = lake.s3.recorded().len();
    let create = || lake.catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send();

    let message = create().await.expect_error(503, "ServiceUnavailableException");

    assert!(message.contains(ROLE) && message.contains("assume-role-arn"), "{message}");
    assert_eq!(touched(&lake, before).len(), 0);
    lake.catalog.get("/namespaces").send().await.expect(200);
    lake.s3.set_quirks(Quirks::default());
    lake.app.clock.shift_ms(2_000);
    create().await.expect(200);
}

async fn a_role_that_is_refused_makes_no_warehouse(engine: Engine) {
    let lake = Lake::open(engine, NOTHING).await;
    lake.s3.refuse_role(ROLE);

    let changed = lake.warehouse.post("/storage", by_role(&lake, NOTHING)).send().await;

    let message = changed.expect_error(400, "BadRequestException");
    assert!(message.contains(ROLE) && message.contains("refuses"), "{message}");
    lake.create_table("t").await;
    let last = lake.s3.recorded().pop().expect("a request");
    assert_eq!(last.access_key_id, S3Server::ACCESS_KEY_ID, "the storage before is in use");
}

async fn a_role_that_is_withdrawn_stops_writing_and_says_so(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    lake.create_table("t").await;
    lake.s3.refuse_role(ROLE);
    lake.app.clock.shift_ms(3_600_000);
    let before = lake.s3.recorded().len();

    let refused = commit(&lake, "1").send().await.expect(429);

    assert!(refused.text().contains(ROLE), "{}", refused.text());
    assert_eq!(touched(&lake, before).len(), 0);
    lake.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn a_plugin_that_gives_no_keys_is_no_way_round_the_role(engine: Engine) {
    let lake = open(engine, NOTHING).await;
    lake.serve(&[(guests::guest("store"), json!({"behaviour": "stored-key-alone"}))]).await;
    let before = lake.s3.recorded().len();

    let refused = lake.catalog.post("/namespaces/ns/tables", bodies::create_table("t")).send().await;

    refused.expect_error(503, "ServiceUnavailableException");
    assert_eq!(touched(&lake, before).len(), 0);
}

async fn requests_are_signed_by_the_session_whose_token_comes_along(engine: Engine) {
    let lake = open(engine, KEYS).await;
    let key = format!("{}/data/x", key_of(&lake.create_table("t").await));
    let uri = format!("{}/lake/{key}", lake.s3.url());
    let body = json!({"method": "PUT", "region": S3Server::REGION, "uri": uri, "headers": {}});

    let signed = lake.catalog.post("/namespaces/ns/tables/t/sign", body).send().await.expect(200).json();

    let own = lake.s3.assumed().pop().expect("a session").access_key_id;
    assert!(signed["headers"]["authorization"][0].as_str().expect("a header").contains(&own), "{signed}");
    let mut request = reqwest::Client::new().put(&uri);
    for (name, values) in signed["headers"].as_object().expect("headers") {
        request = request.header(name, values[0].as_str().expect("a value"));
    }
    assert_eq!(request.body("rows").send().await.expect("an answer").status().as_u16(), 200);
    let vended = lake.load("t", VENDED).await;
    assert_eq!(lake.s3.assumed().pop().expect("a session").role_arn, ROLE, "clients' keys belong to it as well");
    assert_ne!(vended["storage-credentials"][0]["config"]["s3.access-key-id"], own.as_str());
}

async fn a_warehouse_with_a_role_passes_its_validation(engine: Engine) {
    let lake = open(engine, KEYS).await;

    let answer = lake.warehouse.post("/storage/validate-access", json!({})).send().await.expect(200).json();

    assert_eq!(answer["valid"], true, "{answer}");
    let skipped = answer["checks"].as_array().expect("checks").iter().filter(|check| check["status"] == "skipped");
    assert_eq!(skipped.count(), 0, "{answer}");
}
