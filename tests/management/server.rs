//! The server as a whole: its description, its bootstrap.

use serde_json::json;
use weir_tests::{Engine, on_both_engines};

use crate::house::House;

on_both_engines!(
    the_server_describes_itself,
    s7_of_two_bootstraps_at_the_same_time_exactly_one_wins,
    a_bootstrap_needs_the_terms_to_be_accepted,
    what_is_not_built_is_answered_in_the_error_format,
);

async fn the_server_describes_itself(engine: Engine) {
    let house = House::open(engine).await;

    let info = house.management.get("/info").send().await.expect(200).json();

    let required = [
        "version",
        "lakekeeper-version",
        "bootstrapped",
        "server-id",
        "authz-backend",
        "aws-system-identities-enabled",
        "azure-system-identities-enabled",
        "gcp-system-identities-enabled",
        "queues",
        "license-status",
    ];
    for field in required {
        assert!(!info[field].is_null(), "{field} is missing in {info}");
    }
    assert_eq!(info["bootstrapped"], false);
    assert_eq!(info["license-status"], json!({"license-type": "Apache-2.0", "valid": true}));
    assert!(info["queues"].as_array().is_some_and(|queues| queues.contains(&json!("tabular_purge"))));
}

async fn s7_of_two_bootstraps_at_the_same_time_exactly_one_wins(engine: Engine) {
    let house = House::open(engine).await;
    let body = json!({"accept-terms-of-use": true});
    let once = || house.management.post("/bootstrap", body.clone()).send();

    let answers = futures_util::future::join_all((0..16).map(|_| once())).await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 204);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.expect_error(400, "CatalogAlreadyBootstrapped");
    }
    let info = house.management.get("/info").send().await.expect(200).json();
    assert_eq!(info["bootstrapped"], true);
}

async fn a_bootstrap_needs_the_terms_to_be_accepted(engine: Engine) {
    let house = House::open(engine).await;

    let refused = house.management.post("/bootstrap", json!({"accept-terms-of-use": false})).send().await;

    refused.expect_error(400, "BadRequestException");
    let info = house.management.get("/info").send().await.expect(200).json();
    assert_eq!(info["bootstrapped"], false);
}

async fn what_is_not_built_is_answered_in_the_error_format(engine: Engine) {
    let house = House::open(engine).await;

    let answer = house.management.get("/tag-definition").send().await.expect(404);

    assert_eq!(answer.json()["error"]["code"], 404);
}
