//! Contracts that are only watched.

use std::time::Duration;

use serde_json::json;
use weir::plugin::{Mode, Scope};
use weir_tests::{Engine, bodies, on_both_engines};

use crate::changes::{NAMES, prepare};
use crate::governed::{Governed, Plugin};

on_both_engines!(
    t58_a_shadow_contract_changes_no_answer,
    i8_what_a_shadow_contract_would_have_refused_is_told,
    i8_where_no_word_counts_a_shadow_contract_stops_nothing
);

fn shadow(settings: serde_json::Value) -> Plugin {
    Plugin { mode: Mode::Shadow, ..Plugin::reviewer(settings) }
}

async fn t58_a_shadow_contract_changes_no_answer(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    let settings = [json!({"names": NAMES}), json!({"behaviour": "panic"}), json!({"behaviour": "loop"})];
    weir.govern(settings.into_iter().map(shadow).collect()).await;

    for change in &changes {
        let answer = change.ask(&weir).send().await;
        assert_eq!(answer.status, change.success, "{}: {}", change.name, answer.text());
    }
}

async fn i8_what_a_shadow_contract_would_have_refused_is_told(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::reviewer(json!({})), shadow(json!({"names": ["t"]}))]).await;

    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    weir.catalog.post("/namespaces/ns/tables/t", commit).send().await.expect(200);

    let told = async {
        loop {
            if let Some(first) = weir.app.authorization.shadow_differences().first() {
                return first.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let difference = tokio::time::timeout(Duration::from_secs(60), told).await.expect("it is told");
    assert_eq!((difference.plugin.as_str(), difference.action.as_str()), ("plugin-1", "contract:commit"));
    assert_eq!((difference.live, difference.shadow), ("passed", "violated"));
    assert_eq!(difference.object, "table ns.t");
}

/// A contract whose word counts in another warehouse makes no shadow's word count here.
async fn i8_where_no_word_counts_a_shadow_contract_stops_nothing(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.damage("ns", "t").await;
    let elsewhere = Scope { projects: Vec::new(), warehouses: vec!["00000000-0000-0000-0000-000000000001".into()] };
    let enforced = Plugin { scope: elsewhere, ..Plugin::reviewer(json!({})) };
    weir.govern(vec![enforced, shadow(json!({}))]).await;

    // What it cannot be shown, because the document is damaged, is left out.
    weir.catalog.delete("/namespaces/ns/tables/t").send().await.expect(204);

    weir.govern(vec![Plugin::reviewer(json!({}))]).await;
    weir.damage("ns", "v").await;
    weir.catalog.delete("/namespaces/ns/views/v").send().await.expect(429);
}
