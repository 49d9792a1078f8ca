//! Batches, as listings ask them.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{ANALYST, POLICIES, cedar, decide};
use weir_plugin::testing::{call, object};
use weir_plugin::{Authorizer, Batch, BatchColumn, Effect, Parent, Verdict};

/// Tables of two namespaces, owned by alice, by bob, by nobody.
fn batch() -> Batch {
    let parent = |name: &str| Parent { id: format!("namespace:{name}"), name: name.to_string() };
    let names = ["orders", "secret_a", "secret_b", "plain"];
    let owners = ["bob", "alice", "bob", "alice"];
    Batch {
        action: "table:describe".to_string(),
        kind: "table".to_string(),
        project: Parent { id: "project:default".to_string(), name: "default".to_string() },
        warehouse: Some(Parent { id: "warehouse:lake".to_string(), name: "lake".to_string() }),
        namespaces: vec![vec![parent("sales")], vec![parent("hr"), parent("pay")]],
        namespace_of: vec![0, 0, 1, 1],
        ids: (0..4).map(|i| format!("table-{i}")).collect(),
        names: names.map(str::to_string).to_vec(),
        columns: vec![BatchColumn {
            key: "property.owner".to_string(),
            values: owners.map(|owner| weir_plugin::Value::Text(owner.to_string())).to_vec(),
        }],
    }
}

#[test]
fn a_batch_is_decided_as_its_items_are() {
    let cedar = cedar(json!({ "policies": POLICIES }));
    let batch = batch();
    for who in [ANALYST, ("bob", &[]), ("eve", &[])] {
        let call = call(who.0, who.1);
        let together = cedar.authorize_many(&call, &batch).expect("effects");
        let apart: Vec<Effect> =
            (0..4).map(|i| cedar.decide(&call, &batch.check(i).unwrap()).expect("a verdict").effect).collect();
        assert_eq!(together, apart, "{who:?}");
    }
}

/// Each looks at something else of its object, so each leaves another part of it untold in a batch.
#[test]
fn a_batch_is_decided_as_its_items_are_whatever_the_policies_look_at() {
    let conditions = [
        r#"resource == Weir::Table::"table-1""#,
        r#"resource in Weir::Table::"table-2""#,
        r#"[Weir::Table::"table-0", Weir::Table::"table-3"].contains(resource)"#,
        r#"resource in Weir::Namespace::"namespace:hr""#,
        r#"resource is Weir::Table in Weir::Warehouse::"warehouse:lake""#,
        r#"resource is Weir::View"#,
        r#"resource.name like "secret*""#,
        r#"resource.path == "hr.pay.plain""#,
        r#"resource.namespace == "sales""#,
        r#"resource.warehouse == "lake" && resource.project == "default""#,
        r#"resource has name && resource has nothing"#,
        r#"resource.nothing"#,
        r#"resource has protected && resource.protected"#,
        r#"resource.hasTag("owner") && resource.getTag("owner") == "bob""#,
        r#"Weir::Namespace::"namespace:sales".name == "sales" && resource in Weir::Namespace::"namespace:sales""#,
        r#"context.now_ms > 5 && context has new_name"#,
        r#"principal.id == "alice""#,
    ];
    let scopes = [
        "resource",
        r#"resource == Weir::Table::"table-1""#,
        r#"resource == Weir::View::"table-1""#,
        "resource is Weir::Table",
        r#"resource in Weir::Namespace::"namespace:pay""#,
        r#"resource is Weir::Table in Weir::Project::"project:default""#,
    ];
    let column =
        |key: &str, values: [weir_plugin::Value; 4]| BatchColumn { key: key.to_string(), values: values.to_vec() };
    let owners = batch().columns;
    let protected = column("protected", [true, false, false, true].map(weir_plugin::Value::Boolean));
    let wished = column("new-name", ["a", "b", "c", "d"].map(|name| weir_plugin::Value::Text(name.to_string())));
    let columns = [Vec::new(), owners.clone(), [owners, vec![protected]].concat(), vec![wished]];
    let (mut allowed, mut denied) = (0, 0);
    for scope in scopes {
        for condition in conditions {
            let policies = format!(
                "permit (principal, action, {scope}) when {{ {condition} }};
                 forbid (principal == Weir::User::\"eve\", action, {scope}) when {{ {condition} }};
                 permit (principal == Weir::User::\"eve\", action, resource);"
            );
            let cedar = cedar(json!({ "policies": policies }));
            for (who, columns) in
                ["alice", "eve"].into_iter().flat_map(|who| columns.iter().map(move |them| (who, them)))
            {
                let (call, batch) = (call(who, &[]), Batch { columns: columns.clone(), ..batch() });
                let together = cedar.authorize_many(&call, &batch).expect("effects");
                let apart = |item| cedar.decide(&call, &batch.check(item).unwrap()).expect("a verdict").effect;
                let apart: Vec<Effect> = (0..4).map(apart).collect();
                assert_eq!(together, apart, "{who}, {scope}, {condition}, {columns:?}");
                allowed += apart.iter().filter(|effect| **effect == Effect::Allow).count();
                denied += apart.iter().filter(|effect| **effect == Effect::Deny).count();
            }
        }
    }
    assert!(allowed > 200 && denied > 200, "{allowed} allowed, {denied} denied: too few to mean anything");
}

/// Kinds whose own name is an attribute of another name, that the caller may be one of, or that have no id yet.
#[test]
fn a_batch_of_any_kind_is_decided_as_its_items_are() {
    let policies = r#"
        permit (principal, action, resource) when { resource has warehouse && resource.warehouse == "lake" };
        permit (principal, action, resource) when { resource has project && resource.project == "plain" };
        permit (principal, action, resource) when { principal in Weir::Project::"project:default" };
        permit (principal is Weir::User in Weir::Server::"server", action == Weir::Action::"role:delete", resource);
        permit (principal == Weir::Role::"table-0", action, resource) when { principal.name == "orders" };
        forbid (principal in Weir::Role::"suspended", action == Weir::Action::"user:describe", resource);
        forbid (principal, action, resource == Weir::Server::"server") when { principal.id == "alice" };
        forbid (principal, action == Weir::Action::"warehouse:describe", resource == Weir::Warehouse::"table-3");
    "#;
    let cedar = cedar(json!({ "policies": policies }));
    for kind in ["server", "project", "warehouse", "namespace", "table", "view", "role", "user"] {
        for (verb, ids) in
            [("describe", ["table-0", "table-1", "alice", "table-3"]), ("delete", ["", "", "alice", "alice"])]
        {
            let batch = Batch {
                action: format!("{kind}:{verb}"),
                kind: kind.to_string(),
                warehouse: (kind != "warehouse").then_some(batch().warehouse).flatten(),
                ids: ids.map(str::to_string).to_vec(),
                columns: Vec::new(),
                ..batch()
            };
            for (who, as_role) in [("alice", false), ("bob", false), ("table-0", true)] {
                let mut call = call(who, &["table-0", "suspended"]);
                if as_role {
                    call.principal.kind = "role".to_string();
                    call.principal.roles = vec![who.to_string()];
                }
                let together = cedar.authorize_many(&call, &batch).expect("effects");
                let apart = |item| cedar.decide(&call, &batch.check(item).unwrap()).expect("a verdict").effect;
                assert_eq!(together, (0..4).map(apart).collect::<Vec<_>>(), "{who}, {kind}:{verb}");
            }
        }
    }
}

/// Ten thousand tables, a thousand of them granted one by one: only those are looked at.
#[test]
fn policies_about_one_object_are_asked_about_that_one() {
    let granted: String = (0..1_000)
        .map(|i| format!("@id(\"g{i}\") permit (principal, action, resource == Weir::Table::\"table-{}\");", i * 10))
        .collect();
    let cedar = cedar(json!({ "policies": granted }));
    let items = 10_000;
    let batch = Batch {
        namespace_of: vec![0; items],
        ids: (0..items).map(|i| format!("table-{i}")).collect(),
        names: (0..items).map(|i| format!("name-{i}")).collect(),
        columns: Vec::new(),
        ..batch()
    };
    let effects = cedar.authorize_many(&call("alice", &[]), &batch).expect("effects");
    let expected = |i| if i % 10 == 0 { Effect::Allow } else { Effect::Abstain };
    assert!(effects.iter().enumerate().all(|(i, effect)| *effect == expected(i)));
    let mut table = object("table", "sales.orders");
    table.id = "table-770".to_string();
    assert_eq!(decide(&cedar, ("alice", &[]), "table:read", table), Verdict::allow().by("g77"));
}
