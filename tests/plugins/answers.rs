//! Answers of guests: what counts, what never does.

use serde_json::json;
use weir::plugin::{Blame, Effect, Listing, Place, Plan, PluginFault};

use crate::ask::{
    ask, batch, behaving, call, check, drop_of_price, guest, limits, parent, settings, table, told, try_load,
};

#[tokio::test]
async fn a_guest_decides_each_check_in_its_order() {
    let rules = json!({ "answer": "abstain", "rules": [{ "effect": "deny", "name": "secret*" }, { "effect": "allow", "role": "reader" }] });
    let guest = guest(rules, limits()).await;
    let verdicts = guest.authorize(&call(), &[check("orders"), check("secrets"), check("x")]).await.expect("answers");
    let effects: Vec<Effect> = verdicts.iter().map(|verdict| verdict.effect).collect();
    assert_eq!(effects, [Effect::Allow, Effect::Deny, Effect::Allow]);
    assert_eq!(verdicts[1].rule.as_deref(), Some("rule-0"));
}

#[tokio::test]
async fn a_guest_decides_thousands_in_columns() {
    let guest = guest(json!({ "rules": [{ "effect": "deny", "name": "secret*" }] }), limits()).await;
    let effects = guest.authorize_many(&call(), &batch(&["orders", "secrets", "x"])).await.expect("answers");
    assert_eq!(effects, [1, 0, 1]);
}

#[tokio::test]
async fn a_plan_is_made_where_the_guest_can_make_one() {
    let within =
        Place { project: parent("default"), warehouse: Some(parent("lake")), namespace: vec![parent("sales")] };
    let listing = Listing { action: "table:list", kind: "table", within: &within };
    let planner = try_load("planner", settings(json!({ "plan": "nothing" }), limits())).await.expect("loads");
    let plan = planner.plan_list(&call(), listing).await.expect("answers");
    assert!(matches!(plan, Some(Plan::Nothing)), "{plan:?}");
    let without = behaving("none").await;
    assert!(without.plan_list(&call(), listing).await.expect("answers").is_none());
}

#[tokio::test]
async fn a_contract_reviews_a_proposal() {
    let protecting = json!({ "names": ["orders"], "behaviour": "echo", "at": "review" });
    let reviewer = try_load("reviewer", settings(protecting, limits())).await.expect("loads");
    let violations = reviewer.review(&call(), &table("orders"), None, drop_of_price()).await.expect("answers");
    let rules: Vec<&str> = violations.iter().map(|violation| violation.rule.as_str()).collect();
    assert_eq!(rules, ["name", "dropped", "echo"]);
    assert_eq!(violations[1].path.as_deref(), Some("price"));
    assert!(violations[2].message.contains("file:///lake/t"), "{}", violations[2].message);
    let fault = reviewer.authorize(&call(), &[check("orders")]).await.expect_err("it is no authorizer");
    assert_eq!((fault.code(), fault.blame()), ("plugin_not_able", Blame::Host));
}

/// I1, I2, P3, T15: whatever goes wrong has a stable code, and no verdict comes out.
#[tokio::test]
async fn i1_a_broken_answer_is_never_an_allow() {
    for (behaviour, code) in [
        ("too-many", "bad_output"),
        ("too-few", "bad_output"),
        ("trap", "plugin_trap"),
        ("panic", "plugin_trap"),
        ("recursion", "plugin_trap"),
        ("invalid-utf8", "plugin_trap"),
        ("lying-length", "plugin_trap"),
        ("huge-output", "output_too_large"),
        ("memory-bomb", "memory_exceeded"),
        ("unavailable", "guest_unavailable"),
        ("internal", "guest_internal"),
    ] {
        let guest = guest(json!({ "behaviour": behaviour, "count": 7, "bytes": 4 << 20 }), limits()).await;
        let fault = ask(&guest).await.expect_err(behaviour);
        assert_eq!(fault.code(), code, "{behaviour}: {fault}");
        assert_eq!(fault.blame(), Blame::Guest, "{behaviour}");
        assert_eq!(guest.stats().faults[code], 1, "{behaviour}");
    }
}

/// T15: the columns of a batch align by length, or the whole batch is an error.
#[tokio::test]
async fn t15_a_batch_of_another_length_is_an_error() {
    for behaviour in ["too-many", "too-few"] {
        let guest = guest(json!({ "behaviour": behaviour, "at": "authorize-many", "count": 1 }), limits()).await;
        let fault = guest.authorize_many(&call(), &batch(&["a", "b"])).await.expect_err(behaviour);
        assert_eq!(fault.code(), "bad_output");
    }
}

#[tokio::test]
async fn a_guest_s_own_fault_keeps_its_words_and_a_bounded_pause() {
    let settings = json!({ "behaviour": "unavailable", "text": "no\nserver", "count": 4_000_000_000_u32 });
    let guest = guest(settings, limits()).await;
    let fault = ask(&guest).await.expect_err("unavailable");
    assert_eq!(fault.retry_after().as_secs(), 60);
    let PluginFault::Guest { message, .. } = fault else { panic!("{fault}") };
    assert_eq!(message, "no server");
}

/// T44: what the guest sees of the world is the call alone, so it answers twice the same.
#[tokio::test]
async fn t44_the_same_question_gets_the_same_answer() {
    let first = told(&*behaving("echo").await).await;
    let second = told(&*behaving("echo").await).await;
    assert_eq!(first, second);
    assert!(first.contains("1700000000000"), "{first}");
}
