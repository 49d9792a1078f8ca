//! What policies decide, asked as the host asks.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{ANALYST, POLICIES, cedar, decide, owned};
use weir_plugin::testing::{call, check, configure, object};
use weir_plugin::{Attribute, Authorizer, Effect, Listing, Parent, Place, Plan, Planner, Verdict};
use weir_plugin_cedar::Cedar;

fn problems(settings: Value) -> Vec<(String, String)> {
    match configure::<Cedar>(&settings) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| (problem.pointer, problem.message)).collect(),
    }
}

#[test]
fn a_permit_for_a_role_below_a_warehouse_allows_and_is_named() {
    let cedar = cedar(json!({ "policies": POLICIES }));
    let verdict = decide(&cedar, ANALYST, "table:read", object("table", "sales.eu.orders"));
    assert_eq!(verdict, Verdict::allow().by("analysts-read"));
}

/// The checks of one request share what they have in common, never a fact that only one of them carries.
#[test]
fn the_checks_of_a_request_are_decided_as_if_they_were_asked_alone() {
    let cedar = cedar(json!({ "policies": POLICIES }));
    let checks = [
        check("table:describe", object("table", "sales.orders")),
        check("table:read", owned("sales.orders", "alice")),
        check("table:write", owned("sales.orders", "alice")),
        check("table:drop", owned("sales.orders", "bob")),
        check("table:drop", owned("sales.secret", "bob")),
        check("namespace:describe", object("namespace", "sales")),
        check("nonsense:describe", object("nonsense", "sales")),
    ];
    for (who, roles) in [ANALYST, ("alice", &[]), ("bob", &["other"])] {
        let call = call(who, roles);
        let alone: Vec<Verdict> = checks.iter().map(|check| cedar.decide(&call, check).expect("a decision")).collect();
        assert_eq!(cedar.authorize(&call, &checks).expect("decisions"), alone, "{who}");
    }
}

/// Each of these policies reads a fact in its own way, or none: what one check does not tell, no policy of it sees.
#[test]
fn a_fact_of_one_check_is_no_fact_of_another() {
    let policies = [
        "permit (principal, action, resource);",
        "permit (principal, action, resource) when { resource.name like \"ord*\" };",
        "permit (principal, action, resource) when { resource.hasTag(\"owner\") };",
        "permit (principal, action, resource) when { resource.getTag(\"owner\") == \"alice\" };",
        "permit (principal, action, resource) when { resource has protected && resource.protected };",
        "permit (principal, action, resource) when { resource has location };",
        "permit (principal, action, resource) when { resource[\"format_version\"] == 2 };",
        "permit (principal, action, resource); forbid (principal, action, resource) when { resource.protected };",
        "permit (principal, action, resource); forbid (principal, action, resource) unless { resource has status };",
        "permit (principal, action == Weir::Action::\"table:describe\", resource); \
         permit (principal, action == Weir::Action::\"table:read\", resource) when { resource.hasTag(\"owner\") };",
    ];
    let told = |more: &[(&str, weir_plugin::Value)]| {
        let mut object = owned("sales.orders", "alice");
        let attribute =
            |(key, value): &(&str, weir_plugin::Value)| Attribute { key: (*key).into(), value: value.clone() };
        object.attributes.extend(more.iter().map(attribute));
        object
    };
    let protected = ("protected", weir_plugin::Value::Boolean(true));
    let checks = [
        check("table:describe", object("table", "sales.orders")),
        check("table:read", told(std::slice::from_ref(&protected))),
        check("table:write", told(&[protected, ("format-version", weir_plugin::Value::Integer(2))])),
        check("table:describe", told(&[("status", weir_plugin::Value::Text("active".into()))])),
        check("table:read", told(&[("location", weir_plugin::Value::Text("file:///lake/t".into()))])),
        check("table:write", owned("sales.orders", "bob")),
    ];
    for policies in policies {
        let cedar = cedar(json!({ "policies": policies }));
        let call = call("alice", &[]);
        let alone: Vec<Verdict> = checks.iter().map(|check| cedar.decide(&call, check).expect("a decision")).collect();
        assert_eq!(cedar.authorize(&call, &checks).expect("decisions"), alone, "{policies}");
    }
}

#[test]
fn a_forbid_beats_a_permit_and_says_why() {
    let cedar = cedar(json!({ "policies": POLICIES }));
    let verdict = decide(&cedar, ANALYST, "table:read", object("table", "sales.secret_orders"));
    assert_eq!(verdict, Verdict::deny("secret tables are for their owners").by("no-secrets"));
    let own = decide(&cedar, ANALYST, "table:drop", owned("sales.secret_orders", "alice"));
    assert_eq!(own, Verdict::allow().by("owners"));
}

#[test]
fn where_no_policy_applies_it_abstains_or_denies_as_configured() {
    let abstains = cedar(json!({ "policies": POLICIES }));
    assert_eq!(decide(&abstains, ("bob", &[]), "table:read", object("table", "a.b")).effect, Effect::Abstain);
    let denies = cedar(json!({ "policies": POLICIES, "otherwise": "deny" }));
    assert_eq!(decide(&denies, ("bob", &[]), "table:read", object("table", "a.b")).effect, Effect::Deny);
}

#[test]
fn administrators_are_allowed_everything_without_any_policy() {
    let cedar = cedar(json!({ "administrators": ["root"], "administrator-roles": ["ops"] }));
    for who in [("root", &[][..]), ("carol", &["ops"][..])] {
        assert_eq!(decide(&cedar, who, "server:manage", object("server", "")), Verdict::allow().by("administrators"));
    }
    assert_eq!(decide(&cedar, ("dave", &[]), "server:manage", object("server", "")).effect, Effect::Abstain);
}

#[test]
fn a_forbid_that_cannot_be_evaluated_denies() {
    let policies = r#"permit (principal, action, resource);
        @id("protected") forbid (principal, action, resource) when { resource.protected };"#;
    let cedar = cedar(json!({ "policies": policies }));
    let verdict = decide(&cedar, ("bob", &[]), "table:read", object("table", "a.b"));
    assert_eq!((verdict.effect, verdict.rule.as_deref()), (Effect::Deny, Some("protected")));
}

#[test]
fn objects_of_unknown_kinds_are_denied() {
    let cedar = cedar(json!({ "policies": "permit (principal, action, resource);" }));
    assert_eq!(decide(&cedar, ("bob", &[]), "model:read", object("model", "a.b")).effect, Effect::Deny);
}

#[test]
fn what_is_to_happen_is_context() {
    let policies = r#"permit (principal, action == Weir::Action::"table:commit", resource)
        when { context has refs && !context.refs.contains("main") };"#;
    let cedar = cedar(json!({ "policies": policies }));
    let mut object = object("table", "a.b");
    let refs =
        |name: &str| Attribute { key: "refs".to_string(), value: weir_plugin::Value::Texts(vec![name.to_string()]) };
    object.attributes = vec![refs("audit")];
    assert_eq!(decide(&cedar, ("bob", &[]), "table:commit", object.clone()).effect, Effect::Allow);
    object.attributes = vec![refs("main")];
    assert_eq!(decide(&cedar, ("bob", &[]), "table:commit", object).effect, Effect::Abstain);
}

#[test]
fn problems_name_the_place_in_the_policies() {
    let found =
        problems(json!({ "policies": "permit (principal, action, resource);\nforbid (principal action, resource);" }));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "/policies" && found[0].1.starts_with("line 2: "), "{found:?}");
    assert_eq!(problems(json!({ "polices": "" }))[0].0, "/polices");
    let twice = "@id(\"a\") permit (principal, action, resource); @id(\"a\") forbid (principal, action, resource);";
    assert!(problems(json!({ "policies": twice }))[0].1.contains("two policies have the @id `a`"));
    assert!(
        problems(json!({ "policies": "permit (principal == ?principal, action, resource);" }))[0]
            .1
            .contains("template")
    );
}

#[test]
fn the_schema_finds_misspelt_actions_and_unchecked_facts() {
    assert_eq!(problems(json!({ "policies": POLICIES, "schema": "weir" })), []);
    let misspelt = r#"permit (principal, action == Weir::Action::"table:raed", resource);"#;
    assert_eq!(problems(json!({ "policies": misspelt, "schema": "weir" }))[0].0, "/policies");
    let unchecked = r#"permit (principal, action, resource) when { resource.protected };"#;
    assert_eq!(problems(json!({ "policies": unchecked, "schema": "weir" }))[0].0, "/policies");
}

#[test]
fn settings_that_fail_their_own_tests_are_refused() {
    let test = |expect: &str| {
        json!({ "principal": "alice", "roles": ["analyst"], "action": "table:read", "path": "sales.orders",
                "warehouse": "warehouse:lake", "expect": expect })
    };
    let found = problems(json!({ "policies": POLICIES, "tests": [test("allow"), test("deny")] }));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/tests/1");
    assert!(found[0].1.contains("is allow by analysts-read"), "{found:?}");
}

/// What was decided once may be remembered only as long as nothing that a policy looks at has changed, the hour included.
#[test]
fn a_remembered_verdict_is_never_that_of_another_question() {
    let hours = [
        "context.now_ms < 2000",
        "context has now_ms && context.now_ms < 2000",
        "context == {now_ms: 1000}",
        "[context].contains({now_ms: 1000})",
    ];
    for hour in hours {
        let cedar = cedar(json!({ "policies": format!("permit (principal, action, resource) when {{ {hour} }};") }));
        let check = check("table:read", object("table", "sales.orders"));
        let at = |now_ms| {
            let call = weir_plugin::Call { now_ms, ..call("alice", &[]) };
            cedar.decide(&call, &check).expect("a decision").effect
        };
        assert_eq!([at(1_000), at(3_000), at(1_000)], [Effect::Allow, Effect::Abstain, Effect::Allow], "{hour}");
    }

    let cedar = cedar(json!({ "policies": r#"
        permit (principal == Weir::User::"alice", action == Weir::Action::"table:commit", resource in Weir::Namespace::"namespace:sales")
        when { context.update_kinds.contains("add-schema") && resource.getTag("owner") == "alice" && principal.claims.team == "a" };
    "# }));
    let text = |text: &str| weir_plugin::Value::Text(text.to_string());
    let ask = |who: &str, team: &str, action: &str, path: &str, owner: &str, kind: &str| {
        let mut call = call(who, &[]);
        call.principal.claims.push(Attribute { key: "team".to_string(), value: text(team) });
        let mut object = owned(path, owner);
        let kinds = weir_plugin::Value::Texts(vec![kind.to_string()]);
        object.attributes.push(Attribute { key: "update-kinds".to_string(), value: kinds });
        cedar.decide(&call, &check(action, object)).expect("a decision").effect
    };
    let allowed = || ask("alice", "a", "table:commit", "sales.orders", "alice", "add-schema");
    assert_eq!(allowed(), Effect::Allow);
    assert_eq!(ask("bob", "a", "table:commit", "sales.orders", "alice", "add-schema"), Effect::Abstain);
    assert_eq!(ask("alice", "b", "table:commit", "sales.orders", "alice", "add-schema"), Effect::Abstain);
    assert_eq!(ask("alice", "a", "table:drop", "sales.orders", "alice", "add-schema"), Effect::Abstain);
    assert_eq!(ask("alice", "a", "table:commit", "hr.orders", "alice", "add-schema"), Effect::Abstain);
    assert_eq!(ask("alice", "a", "table:commit", "sales.orders", "bob", "add-schema"), Effect::Abstain);
    assert_eq!(ask("alice", "a", "table:commit", "sales.orders", "alice", "set-properties"), Effect::Abstain);
    assert_eq!(allowed(), Effect::Allow);
}

#[test]
fn plans_say_what_scopes_say() {
    let parent = |id: &str| Parent { id: id.to_string(), name: "any".to_string() };
    let listing = Listing {
        action: "table:describe".to_string(),
        kind: "table".to_string(),
        within: Place {
            project: parent("project:default"),
            warehouse: Some(parent("warehouse:lake")),
            namespace: vec![],
        },
    };
    let plan =
        |settings: Value, who: (&str, &[&str])| cedar(settings).plan_list(&call(who.0, who.1), &listing).unwrap();
    let blanket = r#"permit (principal in Weir::Role::"analyst", action in Weir::Action::"read", resource in Weir::Warehouse::"warehouse:lake");"#;
    assert_eq!(plan(json!({ "policies": blanket }), ANALYST), Plan::Everything);
    assert_eq!(plan(json!({ "policies": blanket }), ("bob", &[])), Plan::Abstain);
    assert_eq!(plan(json!({ "policies": blanket, "otherwise": "deny" }), ("bob", &[])), Plan::Nothing);
    assert_eq!(plan(json!({ "policies": POLICIES }), ANALYST), Plan::PerItem);
    assert_eq!(plan(json!({ "administrators": ["bob"] }), ("bob", &[])), Plan::Everything);
    let elsewhere = r#"permit (principal, action, resource in Weir::Warehouse::"other");"#;
    assert_eq!(plan(json!({ "policies": elsewhere }), ANALYST), Plan::PerItem);
}

#[test]
fn a_thousand_policies_leave_few_to_evaluate() {
    let many: String = (0..1_000)
        .map(|i| format!("@id(\"p{i}\") permit (principal == Weir::User::\"user-{i}\", action, resource);"))
        .collect();
    let cedar = cedar(json!({ "policies": many }));
    let verdict = decide(&cedar, ("user-77", &[]), "table:read", object("table", "a.b"));
    assert_eq!(verdict, Verdict::allow().by("p77"));
    assert_eq!(decide(&cedar, ("user-7777", &[]), "table:read", object("table", "a.b")).effect, Effect::Abstain);
}

#[test]
fn an_assumed_role_asks_as_the_role_and_has_the_rights_of_no_user() {
    let cedar = cedar(json!({ "policies": r#"
        @id("analysts") permit (principal in Weir::Role::"analyst", action == Weir::Action::"table:read", resource);
        @id("alice") permit (principal == Weir::User::"analyst", action == Weir::Action::"table:commit", resource);
    "# }));
    let mut call = call("analyst", &["analyst"]);
    call.principal.kind = "role".to_string();
    let decide = |action| cedar.decide(&call, &check(action, object("table", "sales.orders"))).expect("a decision");
    assert_eq!(decide("table:read"), Verdict::allow().by("analysts"));
    assert_eq!(decide("table:commit").effect, Effect::Abstain);
}

/// A role lies in its project, that on the server: whoever holds one that is asked about is in both.
#[test]
fn a_policy_about_a_place_counts_for_whoever_is_in_it_by_a_role() {
    let cedar = cedar(json!({ "policies": r#"
        permit (principal, action, resource);
        @id("own") forbid (principal in Weir::Project::"project:default", action == Weir::Action::"role:delete", resource);
    "# }));
    let mut role = object("role", "r1");
    role.id = "r1".to_string();
    let ask =
        |roles: &[&str]| cedar.decide(&call("alice", roles), &check("role:delete", role.clone())).expect("a decision");
    assert_eq!((ask(&["r1"]).effect, ask(&["r1"]).rule.as_deref()), (Effect::Deny, Some("own")));
    assert_eq!(ask(&["other"]).effect, Effect::Allow);
}
