//! Namespaces that move: contracts judge them with all that comes along.

use serde_json::{Value, json};
use weir::plugin::Mode;
use weir_tests::{Answer, Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    a_namespace_does_not_move_against_the_contract_of_a_table_inside,
    a_contract_is_told_where_a_namespace_goes,
    what_is_soft_deleted_is_judged_when_it_comes_back,
    i8_a_contract_that_only_watches_stops_no_move
);

/// The namespace `a` with a table `t`, a view `v`; a namespace `b`.
async fn with_two(engine: Engine) -> Governed {
    let weir = Governed::open(engine).await;
    for name in ["a", "b"] {
        weir.create_namespace(name).await;
    }
    weir.create_table("a", "t").await;
    weir.catalog.post("/namespaces/a/views", bodies::create_view("v")).send().await.expect(200);
    weir
}

async fn move_a(weir: &Governed, destination: Value) -> Answer {
    let id = weir.namespace_id("a").await;
    let path = format!("/warehouse/{}/namespace/{id}/move", weir.prefix);
    weir.management.post(&path, json!({"destination": destination})).send().await
}

async fn a_namespace_does_not_move_against_the_contract_of_a_table_inside(engine: Engine) {
    let weir = with_two(engine).await;
    let rules = json!({"rules": [{"name": "gold", "objects": "a.*", "kinds": ["table", "view"], "keep": true}]});
    weir.govern(vec![Plugin::contract(rules)]).await;
    let before = weir.state().await;

    let message = move_a(&weir, json!(["b", "c"])).await.expect_error(400, "ContractViolationException");

    assert!(message.starts_with("2 violations of data contracts"), "{message}");
    for each in ["table a.t: `a.t` is to be kept, the change is a move-namespace", "view a.v: "] {
        assert!(message.contains(each), "{each} in {message}");
    }
    assert_eq!(weir.state().await, before);
}

async fn a_contract_is_told_where_a_namespace_goes(engine: Engine) {
    let weir = with_two(engine).await;
    weir.govern(vec![Plugin::reviewer(json!({"names": ["c"]}))]).await;
    let message = move_a(&weir, json!(["b", "c"])).await.expect_error(400, "ContractViolationException");
    assert!(message.contains("namespace a at c: c is not to be changed"), "{message}");

    let rules = json!({"rules": [{"name": "silver", "objects": "b.*", "names": "[a-z]{2,}", "kinds": ["table"]}]});
    weir.govern(vec![Plugin::contract(rules)]).await;
    let message = move_a(&weir, json!(["b", "c"])).await.expect_error(400, "ContractViolationException");
    assert!(message.contains("table a.t: the name `t` does not fit"), "{message}");

    move_a(&weir, json!(["d"])).await.expect(200);
    weir.catalog.head("/namespaces/d/tables/t").send().await.expect(204);
}

async fn what_is_soft_deleted_is_judged_when_it_comes_back(engine: Engine) {
    let weir = with_two(engine).await;
    let soft = json!({"delete-profile": {"type": "soft", "expiration-seconds": 3_600}});
    weir.management.post(&format!("/warehouse/{}/delete-profile", weir.prefix), soft).send().await.expect(200);
    weir.catalog.delete("/namespaces/a/tables/t").send().await.expect(204);
    weir.govern(vec![Plugin::reviewer(json!({"names": ["t"]}))]).await;

    move_a(&weir, json!(["b", "c"])).await.expect(200);

    let deleted = weir.management.get(&format!("/warehouse/{}/deleted-tabulars", weir.prefix)).send().await;
    let id = deleted.expect(200).json()["tabulars"][0]["id"].clone();
    let undrop = format!("/warehouse/{}/deleted-tabulars/undrop", weir.prefix);
    let back = weir.management.post(&undrop, json!({"targets": [{"type": "table", "id": id}]})).send().await;
    let message = back.expect_error(400, "ContractViolationException");
    assert!(message.contains("table b.c.t"), "{message}");
}

async fn i8_a_contract_that_only_watches_stops_no_move(engine: Engine) {
    let weir = with_two(engine).await;
    for settings in [json!({"names": ["a", "t", "v"]}), json!({"behaviour": "trap"})] {
        weir.govern(vec![Plugin { mode: Mode::Shadow, ..Plugin::reviewer(settings) }]).await;
        move_a(&weir, json!(["b", "c"])).await.expect(200);
        let id = weir.catalog.get("/namespaces?parent=b&returnUuids=true").send().await.expect(200).json();
        let path =
            format!("/warehouse/{}/namespace/{}/move", weir.prefix, id["namespace-uuids"][0].as_str().expect("an id"));
        weir.management.post(&path, json!({"destination": ["a"]})).send().await.expect(200);
    }
}
