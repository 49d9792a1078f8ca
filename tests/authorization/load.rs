//! Plugins that loop while others want an answer.

use std::time::{Duration, Instant};

use serde_json::json;
use weir::plugin::Scope;
use weir_tests::{Engine, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(t5_loops_in_one_plugin_s_scope_leave_everything_else_quick);

/// T5: a hundred requests to a warehouse whose authorizer never comes back.
async fn t5_loops_in_one_plugin_s_scope_leave_everything_else_quick(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let looped = second_warehouse(&weir).await;
    let scope = |warehouse: &str| Scope { projects: Vec::new(), warehouses: vec![warehouse.to_owned()] };
    // Each warehouse has an authorizer of its own, or the burst alone would fill the queue of the quick one.
    let quick = Plugin { scope: scope(&weir.prefix), ..Plugin::guest(json!({})) };
    let endless = Plugin { scope: scope(&looped), ..Plugin::guest(json!({"behaviour": "loop"})) };
    weir.govern(vec![quick, endless]).await;
    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);

    let loops: Vec<_> = (0..100)
        .map(|_| {
            let http = weir.root.under(&format!("/catalog/v1/{looped}"));
            tokio::spawn(async move { http.get("/namespaces").send().await })
        })
        .collect();
    let mut times = Vec::new();
    while loops.iter().any(|each| !each.is_finished()) {
        for ask in [weir.root.get("/catalog/v1/config?warehouse=default"), weir.catalog.get("/namespaces/ns/tables/t")]
        {
            let started = Instant::now();
            ask.send().await.expect(200);
            times.push(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let mut saturated = 0;
    for each in loops {
        let message = each.await.expect("answered").expect_error(503, "ServiceUnavailableException");
        assert!(message.contains("plugin_saturated") || message.contains("plugin_timeout"), "{message}");
        saturated += usize::from(message.contains("plugin_saturated"));
    }
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{} answers meanwhile, p50 {p50:?}, p99 {p99:?}; {saturated} saturated", times.len());
    // A p99 of 100 ms on a machine of its own. The tests share theirs, where the slowest of some dozens may be slow for
    // reasons of its own; if the loops had to be waited for, each of them would take two seconds.
    assert!(p50 < Duration::from_millis(1_000), "p50 {p50:?} over {} answers", times.len());
    assert!(saturated >= 28, "8 run, 64 wait, the rest is refused: {saturated}");
}

/// The id of another warehouse.
async fn second_warehouse(weir: &Governed) -> String {
    let root = weir.installation.home().join("second");
    std::fs::create_dir(&root).expect("a folder");
    let body = json!({
        "warehouse-name": "second",
        "storage-profile": {"type": "local", "root": format!("file://{}", root.display())},
    });
    let made = weir.management.post("/warehouse", body).send().await;
    assert!(made.status == 200 || made.status == 201, "{}", made.text());
    let id = made.json()["warehouse-id"].clone();
    id.as_str().expect("an id").to_owned()
}
