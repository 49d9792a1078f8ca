//! What contracts are told of a change, what their words together come to.

use serde_json::{Value, json};
use weir_tests::{Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    the_violations_of_all_contracts_come_together,
    i3_a_violation_beats_a_contract_that_cannot_judge,
    warnings_do_not_stop_a_change,
    p9_what_the_law_refuses_no_contract_allows,
    the_contract_that_ships_keeps_a_table_compatible,
    a_contract_is_told_what_a_commit_does,
    a_registration_over_a_table_is_compared_with_it,
    s26_one_refused_table_refuses_the_whole_transaction_before_any_file,
    a_commit_without_effect_is_not_put_before_contracts,
    who_cannot_judge_one_namespace_is_not_asked_about_all_below_it
);

async fn governed(engine: Engine, plugins: Vec<Plugin>) -> Governed {
    let weir = Governed::open(engine).await;
    weir.create_namespace("ns").await;
    weir.create_table("ns", "t").await;
    weir.govern(plugins).await;
    weir
}

/// The updates that give a table another schema.
fn another_schema(fields: &Value) -> Value {
    let schema = json!({"type": "struct", "schema-id": 1, "fields": fields});
    bodies::commit(
        json!([]),
        json!([{"action": "add-schema", "schema": schema}, {"action": "set-current-schema", "schema-id": -1}]),
    )
}

fn field(id: i32, name: &str, kind: Value, required: bool) -> Value {
    json!({"id": id, "name": name, "type": kind, "required": required})
}

async fn the_violations_of_all_contracts_come_together(engine: Engine) {
    let rules =
        json!({"rules": [{"name": "sales", "required-properties": {"owner": "team-.*"}, "names": "[a-z]{3,}"}]});
    let plugins = vec![Plugin::reviewer(json!({"names": ["x"]})), Plugin::contract(rules)];
    let weir = governed(engine, plugins).await;

    let refused = weir.catalog.post("/namespaces/ns/tables", bodies::create_table("x")).send().await;

    let message = refused.expect_error(400, "ContractViolationException");
    assert!(message.starts_with("3 violations of data contracts"), "{message}");
    for each in ["rule name of plugin-0", "rule sales/required-properties of plugin-1", "rule sales/names of plugin-1"]
    {
        assert!(message.contains(each), "{each} in {message}");
    }
}

async fn i3_a_violation_beats_a_contract_that_cannot_judge(engine: Engine) {
    let broken = || Plugin::reviewer(json!({"behaviour": "internal"}));
    let strict = || Plugin::reviewer(json!({"names": ["t"]}));
    let content = || Plugin::reviewer(json!({}));
    let weir = governed(engine, Vec::new()).await;
    for (plugins, status) in [
        (vec![broken(), strict()], 400),
        (vec![strict(), broken()], 400),
        (vec![content(), broken()], 429),
        (vec![broken(), content()], 429),
        (vec![content(), content()], 200),
    ] {
        weir.govern(plugins).await;
        let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
        weir.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(status);
    }
}

async fn warnings_do_not_stop_a_change(engine: Engine) {
    let rules = json!({"rules": [{"name": "soft", "compatibility": "full", "severity": "warn"}]});
    let weir = governed(engine, vec![Plugin::contract(rules)]).await;

    let dropped = another_schema(&json!([field(1, "id", json!("long"), true)]));
    weir.catalog.post("/namespaces/ns/tables/t", dropped).send().await.expect(200);
}

async fn p9_what_the_law_refuses_no_contract_allows(engine: Engine) {
    let weir = governed(engine, vec![Plugin::reviewer(json!({}))]).await;
    let stale = bodies::commit(
        json!([{"type": "assert-table-uuid", "uuid": "00000000-0000-0000-0000-000000000000"}]),
        bodies::set_property("a", "1"),
    );
    let wrong = bodies::commit(json!([]), json!([{"action": "set-current-schema", "schema-id": 99}]));

    weir.catalog.post("/namespaces/ns/tables/t", stale).send().await.expect_error(409, "CommitFailedException");
    weir.catalog.post("/namespaces/ns/tables/t", wrong).send().await.expect_error(400, "BadRequestException");

    assert_eq!(weir.app.plugins.current().members[0].guest.stats().calls, 0, "it was not even asked");
}

async fn the_contract_that_ships_keeps_a_table_compatible(engine: Engine) {
    let rules = json!({"rules": [
        {"name": "sales", "compatibility": "full", "protected-columns": ["id"], "column-names": "[a-z_]+", "keep": true}]});
    let weir = governed(engine, vec![Plugin::contract(rules)]).await;
    let nested = json!({"type": "struct", "fields": [field(4, "Street", json!("string"), false)]});
    let broken = another_schema(&json!([field(1, "key", json!("long"), false), field(3, "address", nested, false)]));
    let fine = another_schema(&json!([
        field(1, "id", json!("long"), true),
        field(2, "note", json!("string"), false),
        field(3, "more", json!("string"), false)
    ]));

    let refused = weir.catalog.post("/namespaces/ns/tables/t", broken).send().await;
    let message = refused.expect_error(400, "ContractViolationException");
    for each in
        ["`note` is dropped", "`id` is protected, it cannot be renamed", "becomes optional", "`Street` does not fit"]
    {
        assert!(message.contains(each), "{each} in {message}");
    }
    weir.catalog.post("/namespaces/ns/tables/t", fine).send().await.expect(200);
    for refused in [
        weir.catalog.delete("/namespaces/ns/tables/t").send().await,
        weir.catalog.post("/namespaces/ns/tables/t/unregister", json!({})).send().await,
        weir.catalog.delete("/namespaces/ns?recursive=true").send().await,
    ] {
        let message = refused.expect_error(400, "ContractViolationException");
        assert!(message.starts_with("1 violation of") && message.contains("sales/keep"), "{message}");
    }
}

async fn a_contract_is_told_what_a_commit_does(engine: Engine) {
    let weir = governed(engine, Vec::new()).await;
    let loaded = weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200).json();
    let location = loaded["metadata"]["location"].as_str().expect("a location");
    let mut updates = bodies::append(location, 7, 1, None);
    updates[0]["snapshot"]["summary"]["added-records"] = json!("41");
    updates.as_array_mut().expect("a list").extend([
        json!({"action": "set-properties", "updates": {"owner": "ada"}}),
        json!({"action": "add-schema", "schema": {"type": "struct", "fields": [
            field(1, "id", json!("long"), true), field(2, "remark", json!("string"), false),
            field(3, "more", json!("int"), false)]}}),
        json!({"action": "set-current-schema", "schema-id": -1}),
    ]);
    weir.govern(vec![Plugin::reviewer(json!({"behaviour": "echo", "names": ["t"]}))]).await;

    let body = json!({"identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": updates});
    let told = echo(&weir, body).await;

    for each in [
        "operation=commit",
        "kind: \"table\"",
        "target=None",
        "updates=[\"add-snapshot\", \"set-snapshot-ref\", \"set-properties\", \"add-schema\", \"set-current-schema\"]",
        "refs=[\"main\"]",
        "added=[Column { id: 3, path: [\"more\"], type-text: \"int\"",
        "dropped=[]",
        "path: [\"note\"]",
        "path: [\"remark\"]",
        "properties=[PropertyChange { key: \"owner\", before: None, after: Some(\"ada\") }]",
        "records=Some(\"41\")",
        location,
    ] {
        assert!(told.contains(each) || told.contains(&each.replace("type-text", "type_text")), "{each} in {told}");
    }
}

/// What the contract was told of a change that is only checked.
async fn echo(weir: &Governed, body: Value) -> String {
    let check = format!("/warehouse/{}/contracts/check", weir.prefix);
    let answer = weir.management.post(&check, body).send().await.expect(200).json();
    let violations = answer["violations"].as_array().expect("a list").clone();
    let echo = violations.iter().find(|violation| violation["rule"] == "echo").expect("an echo");
    echo["message"].as_str().expect("a message").to_owned()
}

async fn a_registration_over_a_table_is_compared_with_it(engine: Engine) {
    let weir = governed(engine, Vec::new()).await;
    let mut other = bodies::create_table("other");
    other["schema"]["fields"] = json!([field(1, "id", json!("long"), true)]);
    let other = weir.catalog.post("/namespaces/ns/tables", other).send().await.expect(200).json();
    weir.catalog.post("/namespaces/ns/tables/other/unregister", json!({})).send().await.expect(200);
    weir.govern(vec![Plugin::contract(json!({"rules": [{"name": "sales", "compatibility": "forward"}]}))]).await;

    let over = json!({"name": "t", "metadata-location": other["metadata-location"], "overwrite": true});
    let refused = weir.catalog.post("/namespaces/ns/register", over).send().await;

    let message = refused.expect_error(400, "ContractViolationException");
    assert!(message.contains("`note` is dropped"), "{message}");
}

async fn s26_one_refused_table_refuses_the_whole_transaction_before_any_file(engine: Engine) {
    let weir = governed(engine, Vec::new()).await;
    weir.create_table("ns", "kept").await;
    weir.govern(vec![Plugin::reviewer(json!({"names": ["kept"]}))]).await;
    let before = weir.state().await;
    let change = |name| json!({"identifier": bodies::identifier("ns", name), "requirements": [], "updates": bodies::set_property("a", "1")});

    let body = json!({"table-changes": [change("t"), change("kept")]});
    let refused = weir.catalog.post("/transactions/commit", body).send().await;

    let message = refused.expect_error(400, "ContractViolationException");
    assert!(message.contains("ns.kept") && !message.contains("ns.t:"), "{message}");
    assert_eq!(weir.state().await, before);
}

async fn a_commit_without_effect_is_not_put_before_contracts(engine: Engine) {
    let weir = governed(engine, vec![Plugin::reviewer(json!({"names": ["t"]}))]).await;
    let nothing = bodies::commit(json!([]), json!([]));

    weir.catalog.post("/namespaces/ns/tables/t", nothing).send().await.expect(200);

    assert_eq!(weir.app.plugins.current().members[0].guest.stats().calls, 0);
}

async fn who_cannot_judge_one_namespace_is_not_asked_about_all_below_it(engine: Engine) {
    let weir = Governed::open(engine).await;
    for path in [json!(["a"]), json!(["a", "b"]), json!(["a", "c"])] {
        weir.catalog.post("/namespaces", json!({"namespace": path})).send().await.expect(200);
    }
    weir.govern(vec![Plugin::reviewer(json!({"behaviour": "trap"}))]).await;

    weir.catalog.delete("/namespaces/a?recursive=true").send().await.expect_error(429, "TooManyRequestsException");

    assert_eq!(weir.app.plugins.current().members[0].guest.stats().calls, 1);
}
