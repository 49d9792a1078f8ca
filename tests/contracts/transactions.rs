//! Contracts that judge the changes of a transaction together.

use serde_json::{Value, json};
use weir_tests::{Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    a_contract_that_can_judges_the_tables_of_a_transaction_together,
    such_a_contract_judges_single_changes_as_ever,
    i1_a_transaction_that_cannot_be_judged_is_not_made
);

fn together(settings: Value) -> Plugin {
    Plugin { guest: "transaction-reviewer", ..Plugin::guest(settings) }
}

fn change(name: &str) -> Value {
    json!({"identifier": bodies::identifier("ns", name), "requirements": [], "updates": bodies::set_property("a", name)})
}

async fn governed(engine: Engine, plugin: Plugin) -> Governed {
    let weir = Governed::open(engine).await;
    weir.create_namespace("ns").await;
    for name in ["orders", "lines", "other"] {
        weir.create_table("ns", name).await;
    }
    weir.govern(vec![plugin]).await;
    weir
}

async fn a_contract_that_can_judges_the_tables_of_a_transaction_together(engine: Engine) {
    let weir = governed(engine, together(json!({"names": ["orders", "lines"]}))).await;
    let before = weir.state().await;
    let commit = |changes: Value| weir.catalog.post("/transactions/commit", json!({"table-changes": changes}));

    let half = commit(json!([change("orders"), change("other")])).send().await;
    let message = half.expect_error(400, "ContractViolationException");
    assert!(message.contains("the transaction: lines must change, too (rule together of plugin-0)"), "{message}");
    assert_eq!(weir.state().await, before);

    let check = json!({"table-changes": [change("orders"), change("lines")]});
    let checked = weir.management.post(&format!("/warehouse/{}/contracts/check", weir.prefix), check.clone());
    let checked = checked.send().await.expect(200).json();
    assert_eq!(checked["verdict"], "passed");
    assert_eq!(checked["violations"][0]["message"], "orders, lines with 2 properties");
    weir.catalog.post("/transactions/commit", check).send().await.expect(204);
    commit(json!([change("other")])).send().await.expect(204);
    assert_eq!(weir.app.plugins.current().members[0].guest.stats().calls, 4, "each request is one call");
}

async fn such_a_contract_judges_single_changes_as_ever(engine: Engine) {
    let weir = governed(engine, together(json!({"names": ["orders"]}))).await;
    let commit = || bodies::commit(json!([]), bodies::set_property("a", "1"));

    let refused = weir.catalog.post("/namespaces/ns/tables/orders", commit()).send().await;
    refused.expect_error(400, "ContractViolationException");
    weir.catalog.post("/namespaces/ns/tables/lines", commit()).send().await.expect(200);
}

async fn i1_a_transaction_that_cannot_be_judged_is_not_made(engine: Engine) {
    let weir = governed(engine, together(json!({"traps": true}))).await;
    let before = weir.state().await;

    let body = json!({"table-changes": [change("orders")]});
    let refused = weir.catalog.post("/transactions/commit", body).send().await;

    refused.expect_error(429, "TooManyRequestsException");
    assert_eq!(weir.state().await, before);
}
