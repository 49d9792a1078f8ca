//! More than one authorizer: who is asked about what, whose word counts.

use serde_json::json;
use weir::plugin::{Mode, Scope};
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    i3_deny_beats_error_beats_allow_beats_abstain,
    an_authorizer_decides_inside_its_scope_alone,
    t58_a_shadow_changes_no_answer_and_its_differences_are_told,
    i8_what_a_shadow_cannot_be_shown_changes_no_answer,
    each_decision_names_one_generation
);

async fn i3_deny_beats_error_beats_allow_beats_abstain(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let allow = || Plugin::guest(json!({}));
    let deny = || Plugin::guest(json!({"answer": "deny"}));
    let abstain = || Plugin::guest(json!({"answer": "abstain"}));
    let broken = || Plugin::guest(json!({"behaviour": "internal"}));
    for (plugins, status) in [
        (vec![allow(), deny()], 404),
        (vec![broken(), deny()], 404),
        (vec![deny(), broken()], 404),
        (vec![allow(), broken()], 503),
        (vec![broken(), allow()], 503),
        (vec![abstain(), allow()], 200),
        (vec![abstain()], 404),
    ] {
        weir.govern(plugins).await;
        let answer = weir.catalog.get("/namespaces/ns/tables/t").send().await;
        answer.expect(status);
    }
}

async fn an_authorizer_decides_inside_its_scope_alone(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let elsewhere = Scope { projects: Vec::new(), warehouses: vec!["00000000-0000-0000-0000-000000000001".into()] };
    let here = Scope { projects: Vec::new(), warehouses: vec![weir.prefix.clone()] };
    let deny = |scope| Plugin { scope, ..Plugin::guest(json!({"answer": "deny"})) };

    weir.govern(vec![Plugin::guest(json!({})), deny(elsewhere.clone())]).await;
    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
    weir.govern(vec![Plugin::guest(json!({})), deny(here)]).await;
    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(404);
    weir.govern(vec![Plugin { scope: elsewhere, ..Plugin::guest(json!({})) }]).await;
    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(404);
}

async fn t58_a_shadow_changes_no_answer_and_its_differences_are_told(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let before = weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200).bytes;
    for settings in [json!({"answer": "deny"}), json!({"behaviour": "loop"}), json!({"behaviour": "panic"})] {
        let shadow = Plugin { mode: Mode::Shadow, ..Plugin::guest(settings) };
        weir.govern(vec![Plugin::guest(json!({})), shadow]).await;
        let answer = weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
        assert_eq!(answer.bytes, before);
    }

    let told = async {
        loop {
            let differences = weir.app.authorization.shadow_differences();
            if let Some(first) = differences.iter().find(|one| one.shadow == "deny") {
                return first.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let difference = tokio::time::timeout(std::time::Duration::from_secs(60), told).await.expect("it is told");
    assert_eq!((difference.plugin.as_str(), difference.live), ("plugin-1", "allow"));
}

async fn i8_what_a_shadow_cannot_be_shown_changes_no_answer(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.damage("ns", "t").await;
    weir.govern(vec![Plugin { mode: Mode::Shadow, ..Plugin::guest(json!({})) }]).await;

    // The properties of the table belong to the question whether it may be dropped, but nobody needs them to drop it.
    weir.catalog.delete("/namespaces/ns/tables/t").send().await.expect(204);
}

async fn each_decision_names_one_generation(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({}))]).await;
    weir.govern(vec![Plugin::guest(json!({}))]).await;
    let object = json!({"warehouse-id": weir.prefix, "namespace": ["ns"], "table": "t"});

    let ask = json!({"action": "table:commit", "object": object});
    let told = weir.management.post("/permissions/explain", ask).send().await.expect(200).json();

    assert_eq!(told["generation"], json!(2));
}
