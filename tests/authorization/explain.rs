//! Explanations: who says what, to whom that is told.

use serde_json::{Value, json};
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    an_explanation_shows_what_each_authorizer_says,
    explanations_need_a_right,
    an_administrator_repairs_what_a_broken_policy_locks,
    a_batch_check_answers_each_question_by_its_id,
    s20_a_batch_check_finds_nothing_that_is_hidden,
    s20_a_batch_check_that_cannot_be_decided_tells_nothing_of_what_is_there,
    others_are_checked_only_by_those_who_may_explain
);

const ADMINISTRATOR: (&str, &str) = ("WEIR__AUTHORIZATION__ADMINISTRATORS", "anonymous");

async fn with_administrator(engine: Engine) -> Governed {
    let weir = Governed::open_with(engine, &[ADMINISTRATOR]).await;
    weir.create_namespace("ns").await;
    weir.create_table("ns", "t").await;
    weir
}

fn table(weir: &Governed) -> Value {
    json!({"warehouse-id": weir.prefix, "namespace": ["ns"], "table": "t"})
}

async fn an_explanation_shows_what_each_authorizer_says(engine: Engine) {
    let weir = with_administrator(engine).await;
    let by_principal = json!({"rules": [{"effect": "deny", "principal": "alice", "action": "table:commit"}]});
    weir.govern(vec![Plugin::guest(by_principal), Plugin::guest(json!({"answer": "abstain"}))]).await;
    let ask = |who| json!({"principal": {"id": who}, "action": "table:commit", "object": table(&weir)});

    let alice = weir.management.post("/permissions/explain", ask("alice")).send().await.expect(200).json();
    let bob = weir.management.post("/permissions/explain", ask("bob")).send().await.expect(200).json();

    assert_eq!((&alice["verdict"], &alice["answer"]), (&json!("deny"), &json!("forbidden")));
    assert_eq!(alice["authorizers"][0]["rule"], json!("rule-0"));
    assert_eq!(alice["authorizers"][1]["verdict"], json!("abstain"));
    assert_eq!(alice["authorizers"][0]["digest"].as_str().map(str::len), Some(64));
    assert_eq!((&bob["verdict"], &bob["answer"]), (&json!("allow"), &json!("allowed")));
}

async fn explanations_need_a_right(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let deny = |action| json!({"effect": "deny", "action": action});
    let ask = || weir.management.post("/permissions/explain", json!({"action": "table:read", "object": table(&weir)}));

    weir.govern(vec![Plugin::guest(json!({"rules": [deny("server:manage")]}))]).await;
    ask().send().await.expect(200);
    weir.govern(vec![Plugin::guest(json!({"rules": [deny("server:manage"), deny("warehouse:explain")]}))]).await;

    ask().send().await.expect_error(403, "ForbiddenException");
}

async fn an_administrator_repairs_what_a_broken_policy_locks(engine: Engine) {
    let weir = with_administrator(engine).await;
    weir.govern(vec![Plugin::guest(json!({"behaviour": "trap"}))]).await;

    let info = weir.management.get("/info").send().await;
    let listing = weir.management.get("/warehouse").send().await;

    assert_eq!(info.expect(200).json()["authz-backend"], json!("plugins"));
    listing.expect_error(503, "ServiceUnavailableException");
}

async fn a_batch_check_answers_each_question_by_its_id(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "action": "table:drop"}]}))]).await;
    let of = |action: Value, table: &str| json!({"table": {"action": action, "warehouse-id": weir.prefix, "namespace": ["ns"], "table": table}});
    let checks = json!([
        {"operation": of(json!({"action": "drop"}), "t"), "id": "drop"},
        {"operation": of(json!({"action": "commit", "update_kinds": ["add-schema"]}), "t"), "id": "commit"},
        {"operation": of(json!("read_data"), "t")},
        {"operation": of(json!("read_data"), "absent")},
        {"operation": of(json!("manage_tags"), "t")},
        {"operation": {"server": {"action": {"action": "create_project"}}}},
        {"operation": {"generic-table": {"action": {"action": "drop"}, "warehouse-id": weir.prefix}}},
    ]);

    let answer = weir.management.post("/action/batch-check", json!({"checks": checks})).send().await.expect(200).json();

    let expected =
        [("drop", false), ("commit", true), ("2", true), ("3", false), ("4", false), ("5", true), ("6", false)];
    let expected: Vec<Value> = expected.iter().map(|(id, allowed)| json!({"id": id, "allowed": allowed})).collect();
    assert_eq!(answer["results"], json!(expected));
    let unknown = json!({"checks": [{"operation": of(json!("fly"), "t")}]});
    weir.management.post("/action/batch-check", unknown).send().await.expect_error(400, "BadRequestException");
}

async fn s20_a_batch_check_finds_nothing_that_is_hidden(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "action": "table:*"}]}))]).await;
    let ask = |table: &str| {
        // An id that is not looked at changes nothing.
        let beside = "0197f0c8-2222-7aaa-8bbb-0123456789ab";
        let operation = json!({"table": {"action": "drop", "warehouse-id": weir.prefix, "namespace": ["ns"],
            "table": table, "namespace-id": beside}});
        let body = json!({"error-on-not-found": true, "checks": [{"operation": operation}]});
        weir.management.post("/action/batch-check", body)
    };

    let hidden = ask("t").send().await.expect_error(404, "NoSuchTableException");
    let absent = ask("x").send().await.expect_error(404, "NoSuchTableException");

    assert_eq!(hidden.replace("ns.t", "?"), absent.replace("ns.x", "?"));
}

async fn s20_a_batch_check_that_cannot_be_decided_tells_nothing_of_what_is_there(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"behaviour": "internal"}))]).await;
    let place = |more: Value| {
        let mut place = json!({"action": "drop", "warehouse-id": weir.prefix, "namespace": ["ns"]});
        place.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        place
    };
    let nowhere = json!({"namespace": ["x", "y"], "table": "t"});
    let operations = [
        json!({"table": place(json!({"table": "t"}))}),
        json!({"table": place(json!({"table": "x"}))}),
        json!({"view": place(json!({"view": "x"}))}),
        json!({"table": place(nowhere)}),
        json!({"namespace": place(json!({"action": "delete", "namespace": ["x"]}))}),
        json!({"warehouse": {"action": "delete", "warehouse-id": "0197f0c8-2222-7aaa-8bbb-0123456789ab"}}),
    ];

    for operation in operations {
        for error_on_not_found in [true, false] {
            let body = json!({"error-on-not-found": error_on_not_found, "checks": [{"operation": operation}]});
            let answer = weir.management.post("/action/batch-check", body).send().await;
            assert_eq!(answer.status, 503, "{operation}, {error_on_not_found}: {}", answer.text());
        }
    }
}

async fn others_are_checked_only_by_those_who_may_explain(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let rules =
        json!([{"effect": "deny", "action": "server:manage"}, {"effect": "deny", "action": "warehouse:explain"}]);
    weir.govern(vec![Plugin::guest(json!({"rules": rules}))]).await;
    let operation =
        json!({"table": {"action": "drop", "warehouse-id": weir.prefix, "namespace": ["ns"], "table": "t"}});

    let other = json!({"checks": [{"operation": operation, "identity": {"user": "alice"}}]});
    let own = json!({"checks": [{"operation": operation}]});

    weir.management.post("/action/batch-check", other).send().await.expect_error(403, "ForbiddenException");
    weir.management.post("/action/batch-check", own).send().await.expect(200);
}
