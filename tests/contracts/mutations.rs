//! Every change is put before contracts; refused or not judged, it leaves no file, no row, no event.

use serde_json::json;
use weir_tests::{Engine, on_both_engines};

use crate::changes::{NAMES, prepare};
use crate::governed::{Governed, Plugin};

on_both_engines!(
    p10_a_change_that_a_contract_refuses_leaves_no_trace,
    i1_a_change_that_a_contract_cannot_judge_is_not_made,
    a_content_contract_changes_no_answer,
    a_contract_of_another_warehouse_is_not_asked,
    i1_a_contract_that_is_missing_stops_every_change
);

async fn p10_a_change_that_a_contract_refuses_leaves_no_trace(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    weir.govern(vec![Plugin::reviewer(json!({"names": NAMES}))]).await;
    let before = weir.state().await;

    for change in &changes {
        let message = change.ask(&weir).send().await.expect_error(400, "ContractViolationException");
        assert!(message.contains("rule name of plugin-0"), "{}: {message}", change.name);
        assert_eq!(weir.state().await, before, "{}", change.name);
    }
}

async fn i1_a_change_that_a_contract_cannot_judge_is_not_made(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    for (behaviour, code) in [("unavailable", "guest_unavailable"), ("trap", "plugin_trap")] {
        weir.govern(vec![Plugin::reviewer(json!({"behaviour": behaviour, "count": 7_000}))]).await;
        let before = weir.state().await;

        for change in &changes {
            let answer = change.ask(&weir).send().await;
            let retry_after = if behaviour == "unavailable" { "7" } else { "1" };
            assert_eq!(answer.header("retry-after"), Some(retry_after), "{}: {}", change.name, answer.text());
            let kind = if change.undecided == 429 { "TooManyRequestsException" } else { "ServiceUnavailableException" };
            let message = answer.expect_error(change.undecided, kind);
            assert!(message.contains("plugin-0") && message.contains(code), "{}: {message}", change.name);
        }
        assert_eq!(weir.state().await, before);
    }
}

async fn a_content_contract_changes_no_answer(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    weir.govern(vec![Plugin::reviewer(json!({"behaviour": "echo"}))]).await;

    for change in &changes {
        let answer = change.ask(&weir).send().await;
        assert_eq!(answer.status, change.success, "{}: {}", change.name, answer.text());
    }
}

async fn a_contract_of_another_warehouse_is_not_asked(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    let scope = weir::plugin::Scope { projects: Vec::new(), warehouses: vec!["elsewhere".into()] };
    weir.govern(vec![Plugin { scope, ..Plugin::reviewer(json!({"names": NAMES})) }]).await;

    for change in &changes {
        let answer = change.ask(&weir).send().await;
        assert_eq!(answer.status, change.success, "{}: {}", change.name, answer.text());
    }
    let reviewer = &weir.app.plugins.current().members[0].guest;
    assert_eq!(reviewer.stats().calls, 0);
}

async fn i1_a_contract_that_is_missing_stops_every_change(engine: Engine) {
    let weir = Governed::open(engine).await;
    let changes = prepare(&weir).await;
    let before = weir.state().await;
    let vacancy = weir::plugin::Vacancy { name: "lost".into(), scope: weir::plugin::Scope::default() };
    let vacant = weir::plugin::Generation { number: 9, members: Vec::new(), vacancies: vec![vacancy] };
    weir.app.plugins.swap(vacant);

    for change in &changes {
        let answer = change.ask(&weir).send().await;
        let kind = if change.undecided == 429 { "TooManyRequestsException" } else { "ServiceUnavailableException" };
        answer.expect_error(change.undecided, kind);
    }
    assert_eq!(weir.state().await, before);
}
