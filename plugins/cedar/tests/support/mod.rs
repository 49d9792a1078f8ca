//! What the tests of decisions share.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each of the programs that take it uses a part; a test may fail loudly"
)]

use serde_json::Value;
use weir_plugin::testing::{call, check, configure, object};
use weir_plugin::{Attribute, Authorizer, Object, Verdict};
use weir_plugin_cedar::Cedar;

pub const POLICIES: &str = r#"
    @id("analysts-read")
    permit (principal in Weir::Role::"analyst", action in Weir::Action::"read", resource in Weir::Warehouse::"warehouse:lake");

    @id("owners")
    permit (principal, action in Weir::Action::"table", resource)
    when { resource.hasTag("owner") && resource.getTag("owner") == principal.id };

    @id("no-secrets")
    @reason("secret tables are for their owners")
    forbid (principal, action, resource is Weir::Table)
    when { resource.name like "secret*" }
    unless { resource.hasTag("owner") && resource.getTag("owner") == principal.id };
"#;

pub const ANALYST: (&str, &[&str]) = ("alice", &["analyst"]);

pub fn cedar(settings: Value) -> Cedar {
    configure(&settings).unwrap_or_else(|problems| panic!("{problems:?}"))
}

pub fn decide(cedar: &Cedar, who: (&str, &[&str]), action: &str, object: Object) -> Verdict {
    cedar.decide(&call(who.0, who.1), &check(action, object)).expect("a decision")
}

pub fn owned(path: &str, owner: &str) -> Object {
    let mut object = object("table", path);
    object
        .attributes
        .push(Attribute { key: "property.owner".to_string(), value: weir_plugin::Value::Text(owner.to_string()) });
    object
}
