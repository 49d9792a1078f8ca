//! Checks of a change before it is made, for a producer's CI.

use serde_json::{Value, json};
use weir_tests::{Ask, Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    a_check_tells_what_the_change_would_be_answered_and_changes_nothing,
    a_check_of_a_creation_tells_what_the_table_lacks,
    warnings_are_told_though_they_stop_nothing,
    a_check_is_authorized_like_the_change,
    what_cannot_be_judged_cannot_be_checked,
    a_check_fails_where_the_change_itself_would
);

fn check(weir: &Governed, body: Value) -> Ask {
    weir.management.post(&format!("/warehouse/{}/contracts/check", weir.prefix), body)
}

fn of_t(updates: Value) -> Value {
    json!({"identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": updates})
}

async fn a_check_tells_what_the_change_would_be_answered_and_changes_nothing(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::reviewer(json!({"names": ["t"]})), Plugin::reviewer(json!({"names": ["t"]}))]).await;
    let before = weir.state().await;
    let updates = bodies::set_property("a", "1");

    let checked = check(&weir, of_t(updates.clone())).send().await.expect(200).json();
    let refused = weir.catalog.post("/namespaces/ns/tables/t", bodies::commit(json!([]), updates)).send().await;

    assert_eq!(checked["verdict"], "violated");
    assert_eq!(checked["violations"].as_array().map(Vec::len), Some(2));
    let violation = &checked["violations"][1];
    assert_eq!((violation["plugin"].as_str(), violation["rule"].as_str()), (Some("plugin-1"), Some("name")));
    assert_eq!((violation["severity"].as_str(), violation["object"].as_str()), (Some("block"), Some("table ns.t")));
    assert_eq!(checked["message"], refused.expect_error(400, "ContractViolationException").as_str());
    assert_eq!(weir.state().await, before);
}

async fn a_check_of_a_creation_tells_what_the_table_lacks(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let rules = json!({"rules": [{"name": "sales", "required-properties": {"owner": ""}}]});
    weir.govern(vec![Plugin::contract(rules)]).await;
    let before = weir.state().await;

    let create = json!({"namespace": ["ns"], "create": bodies::create_table("new")});
    let checked = check(&weir, create).send().await.expect(200).json();
    let mut complete = bodies::create_table("new");
    complete["properties"] = json!({"owner": "ada"});
    let fine = check(&weir, json!({"namespace": ["ns"], "create": complete})).send().await.expect(200).json();

    assert_eq!(checked["violations"][0]["rule"], "sales/required-properties");
    assert_eq!(checked["violations"][0]["path"], "owner");
    assert_eq!((fine["verdict"].as_str(), fine["message"].as_str()), (Some("passed"), None));
    assert_eq!(weir.state().await, before);
}

async fn warnings_are_told_though_they_stop_nothing(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let rules = json!({"rules": [{"name": "soft", "required-properties": {"owner": "team-.*"}, "severity": "warn"}]});
    weir.govern(vec![Plugin::contract(rules)]).await;

    let checked = check(&weir, of_t(bodies::set_property("owner", "ada"))).send().await.expect(200).json();

    assert_eq!(
        (checked["verdict"].as_str(), checked["violations"][0]["severity"].as_str()),
        (Some("passed"), Some("warn"))
    );
}

async fn a_check_is_authorized_like_the_change(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let deny = |action: &str| Plugin::guest(json!({"rules": [{"effect": "deny", "action": action}]}));
    weir.govern(vec![deny("table:commit"), Plugin::reviewer(json!({}))]).await;
    check(&weir, of_t(bodies::set_property("a", "1"))).send().await.expect_error(403, "ForbiddenException");
    weir.govern(vec![deny("table:*"), Plugin::reviewer(json!({}))]).await;
    check(&weir, of_t(bodies::set_property("a", "1"))).send().await.expect_error(404, "NoSuchTableException");
    weir.govern(vec![deny("namespace:create-table"), Plugin::reviewer(json!({}))]).await;
    let create = json!({"namespace": ["ns"], "create": bodies::create_table("new")});
    check(&weir, create).send().await.expect_error(403, "ForbiddenException");
    let reviewer = &weir.app.plugins.current().members[1].guest;
    assert_eq!(reviewer.stats().calls, 0);
}

async fn what_cannot_be_judged_cannot_be_checked(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::reviewer(json!({"behaviour": "internal"}))]).await;

    let checked = check(&weir, of_t(bodies::set_property("a", "1"))).send().await;

    checked.expect_error(503, "ServiceUnavailableException");
}

async fn a_check_fails_where_the_change_itself_would(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let mut stale = of_t(bodies::set_property("a", "1"));
    stale["requirements"] = json!([{"type": "assert-table-uuid", "uuid": "00000000-0000-0000-0000-000000000000"}]);
    check(&weir, stale).send().await.expect_error(409, "CommitFailedException");
    check(&weir, json!({})).send().await.expect_error(400, "BadRequestException");
    let two = json!({"create": bodies::create_table("new"), "namespace": ["ns"], "updates": []});
    check(&weir, two).send().await.expect_error(400, "BadRequestException");
    let missing = json!({"identifier": bodies::identifier("ns", "x"), "requirements": [], "updates": []});
    check(&weir, missing).send().await.expect_error(404, "NoSuchTableException");
}
