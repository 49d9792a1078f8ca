//! Contracts that are only watched.

use std::time::Duration;

use serde_json::json;
use weir::plugin::Mode;
use weir_tests::{Engine, bodies, on_both_engines};

use crate::changes::{NAMES, prepare};
use crate::governed::{Governed, Plugin};

on_both_engines!(t58_a_shadow_contract_changes_no_answer, i8_what_a_shadow_contract_would_have_refused_is_told);

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
