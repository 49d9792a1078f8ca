//! Every route of both APIs asks before it acts: denied everything by a plugin, a caller changes nothing, reads nothing.

use serde_json::{Value, json};
use weir_tests::routes::{body, filled, is_open, routes};
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin, files};

on_both_engines!(s21_a_caller_whom_a_plugin_denies_changes_or_reads_nothing_by_any_route);

/// Everything that the catalog holds, as its loads answer.
async fn state(weir: &Governed) -> Vec<Value> {
    let mut state = Vec::new();
    for path in ["/namespaces", "/namespaces/ns", "/namespaces/ns/tables", "/namespaces/ns/views"] {
        state.push(weir.catalog.get(path).send().await.expect(200).json());
    }
    for path in ["/namespaces/ns/tables/t", "/namespaces/ns/views/v"] {
        state.push(weir.catalog.get(path).send().await.expect(200).json()["metadata"].clone());
    }
    state.push(weir.management.get("/warehouse").send().await.expect(200).json());
    state
}

async fn s21_a_caller_whom_a_plugin_denies_changes_or_reads_nothing_by_any_route(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let before = (state(&weir).await, files(&weir.installation.lake()));
    for (settings, allowed) in [
        (json!({"answer": "deny"}), 400..500),
        (json!({"answer": "abstain"}), 400..500),
        (json!({"behaviour": "trap"}), 400..504),
    ] {
        weir.govern(vec![Plugin::guest(settings.clone())]).await;
        let mut answered = Vec::new();
        for api in ["catalog", "management"] {
            for (method, path) in routes(&weir.installation, api) {
                let path = filled(&path, &weir.prefix);
                if is_open(&path) {
                    continue;
                }
                let ask = weir.root.ask(method.clone(), &path);
                let ask = if method == "POST" || method == "PUT" { ask.json(&body(&path)) } else { ask };
                let answer = ask.send().await;
                // Who asks what he may do is told: nothing.
                if path.ends_with("/action/batch-check") && answer.status == 200 {
                    assert_eq!(answer.json()["results"][0]["allowed"], false, "{}", answer.text());
                    continue;
                }
                let leaks = String::from_utf8_lossy(&answer.bytes).contains("\"current-schema-id\"");
                if !allowed.contains(&answer.status) || answer.status == 500 || leaks {
                    answered.push(format!("{method} {path}: {} {}", answer.status, answer.text()));
                }
            }
        }
        assert!(answered.is_empty(), "under {settings}, yet answered:\n{}", answered.join("\n"));
    }
    weir.govern(Vec::new()).await;
    assert_eq!((state(&weir).await, files(&weir.installation.lake())), before);
}
