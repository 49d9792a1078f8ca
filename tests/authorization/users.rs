//! Users: who is known, who is found.

use serde_json::json;
use weir_tests::{Engine, on_both_engines};

use crate::tokens::Trusting;

on_both_engines!(
    a_user_is_known_from_the_first_request_on,
    users_are_told_of_changed_found_and_forgotten,
    whose_id_is_searched_for_comes_first_and_once
);

async fn a_user_is_known_from_the_first_request_on(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let alice = trusting.provider.token_with("alice", json!({"name": "Alice", "email": "alice@example"}));
    trusting.with(&alice).get("/catalog/v1/config?warehouse=default").send().await;

    let known = trusting.management().get("/user/one~alice").send().await.expect(200).json();

    let told = (known["name"].as_str(), known["email"].as_str(), known["user-type"].as_str());
    assert_eq!(told, (Some("Alice"), Some("alice@example"), Some("human")));
    assert_eq!(known["last-updated-with"], json!("config-call-creation"));
}

async fn users_are_told_of_changed_found_and_forgotten(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let management = trusting.management();
    let carol = json!({"id": "one~carol", "name": "Carol Newman", "user-type": "human"});
    management.post("/user", carol.clone()).send().await.expect(201);
    management.post("/user", carol).send().await.expect_error(409, "AlreadyExistsException");
    management.post("/user", json!({"id": "carol"})).send().await.expect_error(400, "BadRequestException");
    let change = json!({"name": "Carol Oldman", "user-type": "application"});
    management.ask(reqwest::Method::PUT, "/user/one~carol").json(&change).send().await.expect(200);

    let found = management.post("/search/user", json!({"search": "oldm"})).send().await.expect(200).json();
    let page = management.get("/user?pageSize=1&pageToken=").send().await.expect(200).json();
    let next = format!("/user?pageSize=1&pageToken={}", page["next-page-token"].as_str().expect("there is more"));
    let rest = management.get(&next).send().await.expect(200).json();
    management.delete("/user/one~carol").send().await.expect(204);

    assert_eq!(found["users"][0]["id"], json!("one~carol"));
    assert_eq!((&page["users"][0]["id"], &rest["users"][0]["id"]), (&json!("one~admin"), &json!("one~carol")));
    management.get("/user/one~carol").send().await.expect_error(404, "NotFoundException");
    // Everybody reads themselves, nobody else without the right.
    let bob = trusting.with(&trusting.provider.token("bob"));
    bob.get("/management/v1/user/one~bob").send().await.expect(200);
    bob.get("/management/v1/user/one~admin").send().await.expect(403);
    bob.post("/management/v1/user", json!({"id": "one~dave"})).send().await.expect(403);
}

async fn whose_id_is_searched_for_comes_first_and_once(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let management = trusting.management();
    for (id, name) in [("one~a", "A friend of one~z"), ("one~z", "Zoe, that is one~z")] {
        management.post("/user", json!({"id": id, "name": name, "user-type": "human"})).send().await.expect(201);
    }
    let found = management.post("/search/user", json!({"search": "one~z"})).send().await.expect(200).json();
    let ids: Vec<&str> =
        found["users"].as_array().expect("users").iter().filter_map(|user| user["id"].as_str()).collect();
    assert_eq!(ids, ["one~z", "one~a"]);
}
