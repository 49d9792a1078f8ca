//! Every change that contracts judge can be checked before it is made.

use serde_json::json;
use weir_tests::{Ask, Engine, on_both_engines};

use crate::changes::{NAMES, prepare};
use crate::governed::{Governed, Plugin};

on_both_engines!(
    a_check_of_any_change_tells_its_refusal_and_changes_nothing,
    a_check_of_any_change_passes_where_the_change_does,
    i1_what_no_contract_can_judge_cannot_be_checked_either,
    a_check_tells_nothing_to_those_who_may_not_make_the_change,
    a_check_stops_where_the_change_does
);

async fn a_check_of_any_change_tells_its_refusal_and_changes_nothing(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    weir.govern(vec![Plugin::reviewer(json!({"names": NAMES}))]).await;
    let before = weir.state().await;

    for change in &changes {
        let checked = change.check(&weir).send().await.expect(200).json();
        let refusal = change.ask(&weir).send().await.expect_error(400, "ContractViolationException");
        assert_eq!(checked["verdict"], "violated", "{}", change.name);
        assert_eq!(checked["message"], refusal.as_str(), "{}", change.name);
        assert_eq!(weir.state().await, before, "{}", change.name);
    }
}

async fn a_check_of_any_change_passes_where_the_change_does(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    weir.govern(vec![Plugin::reviewer(json!({}))]).await;

    for change in &changes {
        let before = weir.state().await;
        let checked = change.check(&weir).send().await.expect(200).json();
        assert_eq!(
            (checked["verdict"].as_str(), &checked["message"]),
            (Some("passed"), &json!(null)),
            "{}",
            change.name
        );
        assert_eq!(checked["generation"], weir.app.plugins.current().number, "{}", change.name);
        assert_eq!(weir.state().await, before, "{}", change.name);
        let answer = change.ask(&weir).send().await;
        assert_eq!(answer.status, change.success, "{}: {}", change.name, answer.text());
    }
}

async fn i1_what_no_contract_can_judge_cannot_be_checked_either(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    weir.govern(vec![Plugin::reviewer(json!({"behaviour": "trap"}))]).await;

    for change in &changes {
        let message = change.check(&weir).send().await.expect_error(503, "ServiceUnavailableException");
        assert!(message.contains("plugin-0"), "{}: {message}", change.name);
    }
}

/// Answers as the change would, before a contract has seen anything: one may see all but change nothing, see nothing of
/// tables, views and namespaces, or nothing at all.
async fn a_check_tells_nothing_to_those_who_may_not_make_the_change(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    let rule = |effect: &str, action: &str| json!({"effect": effect, "action": action});
    let only_describe = json!([
        rule("allow", "warehouse:describe"),
        rule("allow", "namespace:describe"),
        rule("allow", "table:describe"),
        rule("allow", "view:describe"),
    ]);
    for seen in [only_describe, json!([rule("allow", "warehouse:describe")]), json!([])] {
        let denying = json!({"rules": seen, "answer": "deny"});
        weir.govern(vec![Plugin::guest(denying), Plugin::reviewer(json!({"names": NAMES}))]).await;
        for change in &changes {
            let asked = refusal(change.ask(&weir)).await;
            let checked = refusal(change.check(&weir)).await;
            assert!(matches!(asked.0, 403 | 404), "{}: {asked:?}", change.name);
            assert_eq!(checked, asked, "{}", change.name);
        }
        assert_eq!(weir.app.plugins.current().members[1].guest.stats().calls, 0);
    }
}

/// Status, type, message of an answer.
async fn refusal(ask: Ask) -> (u16, String, String) {
    let answer = ask.send().await;
    let body = answer.json();
    let text = |member: &str| body["error"][member].as_str().unwrap_or_default().to_owned();
    (answer.status, text("type"), text("message"))
}

async fn a_check_stops_where_the_change_does(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::reviewer(json!({}))]).await;
    let check =
        async |body| weir.management.post(&format!("/warehouse/{}/contracts/check", weir.prefix), body).send().await;
    let of = |name: &str| weir_tests::bodies::identifier("ns", name);

    check(json!({"drop-table": {}})).await.expect_error(400, "BadRequestException");
    check(json!({"identifier": of("t"), "drop-table": {"purge": true}})).await.expect_error(400, "BadRequestException");
    let two = json!({"identifier": of("t"), "drop-table": {}, "unregister-table": {}});
    check(two).await.expect_error(400, "BadRequestException");
    check(json!({"identifier": of("v"), "drop-table": {}})).await.expect_error(404, "NoSuchTableException");
    check(json!({"identifier": of("t"), "drop-view": {}})).await.expect_error(404, "NoSuchViewException");
    let contrary = json!({"namespace": ["ns"], "update-properties": {"removals": ["a"], "updates": {"a": "1"}}});
    check(contrary).await.expect_error(422, "UnprocessableEntityException");
    let under_itself =
        json!({"namespace-id": weir.namespace_id("ns").await, "move-namespace": {"destination": ["ns", "x"]}});
    check(under_itself).await.expect_error(400, "BadRequestException");
    let same = json!({"rename-table": {"source": of("t"), "destination": of("t")}});
    let checked = check(same).await.expect(200).json();
    assert_eq!(checked["verdict"], "passed");
    assert_eq!(weir.app.plugins.current().members[0].guest.stats().calls, 0);
}
