//! The plugins that Weir ships, as components in the sandbox.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use weir::plugin::{Compiled, Effect, Guest, LoadError};
use weir_tests::guests;
use weir_tests::tools::is_full_lane;

use crate::ask::{batch, call, check, drop_of_price, limits, settings, shared, table};

const POLICIES: &str = r#"
    @id("readers")
    permit (principal in Weir::Role::"reader", action, resource in Weir::Warehouse::"id-of-lake");
    @id("no-secrets")
    @reason("secrets stay")
    forbid (principal, action, resource) when { resource.name like "secret*" };
"#;

/// Cedar is the largest of them: compiled once, only in the full lane, because that takes a minute in a debug build.
async fn compiled(name: &str) -> Compiled {
    static CEDAR: OnceCell<Compiled> = OnceCell::const_new();
    let compile = async || {
        let bytes = std::fs::read(guests::bundled(name)).expect("the plugin is readable").into();
        shared().compile(bytes).await.expect("the plugin compiles")
    };
    if name == "cedar" { CEDAR.get_or_init(compile).await.clone() } else { compile().await }
}

async fn load(name: &str, given: Value) -> Result<Arc<Guest>, LoadError> {
    Guest::load(&shared(), &compiled(name).await, settings(given, limits())).await
}

#[tokio::test]
async fn cedar_decides_one_by_one_or_in_columns() {
    if !is_full_lane() {
        return;
    }
    let cedar = load("cedar", json!({ "policies": POLICIES })).await.expect("cedar loads");
    let verdicts = cedar.authorize(&call(), &[check("orders"), check("secret")]).await.expect("cedar answers");
    let said: Vec<_> = verdicts.iter().map(|verdict| (verdict.effect, verdict.rule.as_deref())).collect();
    assert_eq!(said, [(Effect::Allow, Some("readers")), (Effect::Deny, Some("no-secrets"))]);
    assert_eq!(verdicts[1].reason.as_deref(), Some("secrets stay"));
    let codes = cedar.authorize_many(&call(), &batch(&["orders", "secret"])).await.expect("cedar answers");
    assert_eq!(codes, [1, 0]);
}

#[tokio::test]
async fn cedar_refuses_policies_that_it_cannot_read_with_their_place() {
    if !is_full_lane() {
        return;
    }
    let refused = load("cedar", json!({ "policies": "permit (principal, action, resource);\nnonsense" })).await;
    let message = refused.err().expect("cedar refuses").to_string();
    assert!(message.contains("/policies") && message.contains("line 2"), "{message}");
}

#[tokio::test]
async fn contract_names_what_a_change_breaks() {
    let rules = json!({ "rules": [{ "name": "sales", "objects": "sales.*", "compatibility": "full" }] });
    let contract = load("contract", rules).await.expect("contract loads");
    let violations = contract.review(&call(), &table("orders"), None, drop_of_price()).await.expect("it answers");
    let said: Vec<_> = violations.iter().map(|broken| (broken.rule.as_str(), broken.path.as_deref())).collect();
    assert_eq!(said, [("sales/compatibility", Some("price"))]);
}
