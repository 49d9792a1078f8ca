//! Validation of a warehouse: what its clients would get is tried out before any client does.

use serde_json::{Value, json};
use weir_tests::s3::{Fault, On, Quirks};
use weir_tests::{Engine, S3Server, guests, on_both_engines};

use crate::lake::{KEYS, Lake, NOTHING, SIGNATURES};

on_both_engines!(
    vended_keys_and_signatures_are_tried_out,
    a_storage_that_ignores_session_policies_is_found_out,
    a_storage_without_a_token_service_is_found_out,
    what_the_profile_does_not_offer_is_skipped_with_its_reason,
    a_plugin_that_goes_too_far_fails_the_validation,
    a_profile_that_the_plugin_refuses_makes_no_warehouse,
    a_warehouse_that_is_not_there_yet_is_tried_out_too,
);

async fn validate(lake: &Lake) -> Value {
    lake.warehouse.post("/storage/validate-access", json!({})).send().await.expect(200).json()
}

fn check(answer: &Value, name: &str) -> Value {
    let checks = answer["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name} in {answer}")).clone()
}

const OF_KEYS: [&str; 3] =
    ["vended-credentials-issued", "vended-credentials-read-write", "vended-credentials-scope-enforced"];
const OF_SIGNING: &str = "remote-signing-read-write";

fn leaves_nothing(lake: &Lake) {
    let left: Vec<String> = lake.s3.keys("lake").into_iter().filter(|key| key.contains("probe")).collect();
    assert_eq!(left, Vec::<String>::new());
}

async fn vended_keys_and_signatures_are_tried_out(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;

    let answer = validate(&lake).await;

    assert_eq!(answer["valid"], true, "{answer}");
    for name in OF_KEYS.into_iter().chain([OF_SIGNING]) {
        let check = check(&answer, name);
        assert_eq!(check["status"], "passed", "{check}");
        assert!(check["duration-ms"].is_u64(), "{check}");
    }
    let refused: Vec<_> = lake.s3.recorded().into_iter().filter(|one| one.status == 403).collect();
    assert!(refused.len() >= 5, "it really stepped outside: {refused:?}");
    assert_eq!(lake.s3.assumed().len(), 1);
    leaves_nothing(&lake);
}

/// It hands out keys, takes the policy, and lets them do everything.
async fn a_storage_that_ignores_session_policies_is_found_out(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.s3.set_quirks(Quirks { enforces_policies: false, ..Quirks::default() });

    let answer = validate(&lake).await;

    assert_eq!(answer["valid"], false);
    assert_eq!(check(&answer, OF_KEYS[1])["status"], "passed");
    let outside = check(&answer, OF_KEYS[2]);
    assert_eq!(outside["status"], "failed");
    assert!(outside["error"]["message"].as_str().expect("a message").contains("sts-enabled"), "{outside}");
    leaves_nothing(&lake);
}

async fn a_storage_without_a_token_service_is_found_out(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    lake.s3.set_quirks(Quirks { has_sts: false, ..Quirks::default() });

    let answer = validate(&lake).await;

    assert_eq!(answer["valid"], false);
    assert_eq!(check(&answer, OF_KEYS[0])["status"], "failed");
    for name in &OF_KEYS[1..] {
        assert_eq!(check(&answer, name)["status"], "skipped");
        assert_eq!(check(&answer, name)["reason"], "no keys were made");
    }
    assert_eq!(check(&answer, OF_SIGNING)["status"], "passed", "{answer}");
}

async fn what_the_profile_does_not_offer_is_skipped_with_its_reason(engine: Engine) {
    let lake = Lake::open(engine, SIGNATURES).await;
    let answer = validate(&lake).await;
    assert_eq!(answer["valid"], true, "{answer}");
    for name in OF_KEYS {
        assert!(check(&answer, name)["reason"].as_str().expect("a reason").contains("sts-enabled"));
        assert!(check(&answer, name).get("duration-ms").is_none());
    }
    assert_eq!(check(&answer, OF_SIGNING)["status"], "passed");

    let lake = Lake::open(engine, NOTHING).await;
    let reason = check(&validate(&lake).await, OF_SIGNING)["reason"].clone();
    assert!(reason.as_str().expect("a reason").contains("remote-signing-enabled"), "{reason}");
}

/// T39: its keys reach the whole bucket, so there are none.
async fn a_plugin_that_goes_too_far_fails_the_validation(engine: Engine) {
    let lake = Lake::without_plugin(engine, KEYS).await;
    let hostile = json!({"behaviour": "prefix", "text": "s3://lake/", "sts": format!("{}/", lake.s3.url())});
    lake.serve(&[(guests::guest("store"), hostile)]).await;

    let answer = validate(&lake).await;

    assert_eq!(check(&answer, OF_KEYS[0])["status"], "failed");
    assert!(!answer.to_string().contains("ASIA"), "{answer}");
}

/// What the host finds in order may still be nothing for the plugin that would serve it.
async fn a_profile_that_the_plugin_refuses_makes_no_warehouse(engine: Engine) {
    let lake = Lake::without_plugin(engine, KEYS).await;
    lake.serve(&[(guests::guest("store"), json!({}))]).await;
    let body = json!({"warehouse-name": "other", "storage-profile": lake.s3.profile("wrong"),
        "storage-credential": S3Server::credential()});

    let answer = lake.root.post("/management/v1/warehouse-creation-validation", body.clone()).send().await;
    let refused = lake.root.post("/management/v1/warehouse", body).send().await;

    assert_eq!(answer.expect(200).json()["valid"], false);
    let message = refused.expect_error(400, "BadRequestException");
    assert!(message.contains("the plugin `plugin-0`: /wrong is wrong"), "{message}");
}

/// S8: nothing of it is remembered, nothing shows the key.
async fn a_warehouse_that_is_not_there_yet_is_tried_out_too(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let mut profile = lake.s3.profile("new");
    profile["sts-enabled"] = json!(true);
    let body = json!({
        "warehouse-name": "new", "storage-profile": profile, "storage-credential": S3Server::credential(),
    });
    let validate = || lake.root.post("/management/v1/warehouse-creation-validation", body.clone()).send();

    let answer = validate().await.expect(200).json();
    assert_eq!(answer["valid"], true, "{answer}");
    assert_eq!(check(&answer, OF_KEYS[2])["status"], "passed");
    assert_eq!(check(&answer, OF_SIGNING)["status"], "passed");

    lake.s3.fail_next(On::AssumeRole, Fault::InternalError);
    let answer = validate().await.expect(200);
    assert_eq!(check(&answer.json(), OF_KEYS[0])["status"], "failed");
    assert!(!answer.text().contains(S3Server::SECRET_ACCESS_KEY));
    leaves_nothing(&lake);
}
