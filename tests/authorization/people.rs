//! People: who is in which role, what that changes for decisions.

use std::time::Duration;

use serde_json::{Value, json};
use weir_tests::{Engine, Http, bodies, on_both_engines};

use crate::governed::Plugin;
use crate::tokens::Trusting;

on_both_engines!(
    roles_are_created_changed_found_and_deleted,
    a_role_of_the_catalog_gives_rights_from_the_next_request_on_and_takes_them_again,
    a_member_removed_by_somebody_who_hung_up_has_lost_the_role,
    a_role_that_tokens_name_leads_to_the_roles_it_is_in,
    roles_give_nothing_once_their_project_is_gone,
    an_assumed_role_has_its_own_rights_and_no_others,
    s23_roles_form_no_circle_and_are_not_too_deep,
    s23_two_who_close_a_circle_together_do_not_both_succeed,
    s23_a_role_that_is_created_again_inherits_nothing,
    s19_who_lost_the_right_gets_no_304,
    s22_a_page_token_is_for_the_one_who_got_it,
    b8_headers_that_make_no_sense_are_refused,
    t40_a_plugin_is_shown_the_claims_that_it_was_granted_and_no_others,
    actions_are_those_that_requests_would_be_allowed,
    access_counts_the_roles_that_the_catalog_keeps,
    b4_a_first_user_named_with_nul_is_refused
);

fn admins() -> Plugin {
    Plugin::cedar(POLICIES)
}

/// `one~admin` does everything; `analyst` of the token reads.
const POLICIES: &str = r#"
    @id("admin") permit (principal == Weir::User::"one~admin", action, resource);
    @id("analyst") permit (principal in Weir::Role::"one~analyst", action in Weir::Action::"read", resource);
"#;

impl Trusting {
    pub fn management(&self) -> Http {
        self.weir.root.under("/management/v1")
    }

    pub fn catalog_of(&self, token: &str) -> Http {
        self.with(token).under(&format!("/catalog/v1/{}", self.weir.prefix))
    }

    pub async fn role(&self, name: &str) -> String {
        let made = self.management().post("/role", json!({ "name": name })).send().await.expect(201).json();
        made["id"].as_str().expect("an id").to_owned()
    }

    pub async fn put_into(&self, role: &str, members: Value) -> weir_tests::Answer {
        self.management().post(&format!("/role/{role}/members"), json!({ "members": members })).send().await
    }

    pub async fn with_a_table(&self) {
        self.weir.create_namespace("ns").await;
        self.weir.create_table("ns", "t").await;
    }
}

async fn roles_are_created_changed_found_and_deleted(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.weir.govern(vec![admins()]).await;
    let management = trusting.management();
    let role = trusting.role("Readers").await;
    management.post("/role", json!({"name": "Readers"})).send().await.expect_error(409, "AlreadyExistsException");
    let changed = json!({"name": "All readers", "description": "who reads"});
    management.post(&format!("/role/{role}"), changed).send().await.expect(200);
    let source = json!({"provider-id": "one", "source-id": "readers"});
    let moved = management.ask(reqwest::Method::PUT, &format!("/role/{role}/source-system")).json(&source);
    assert_eq!(moved.send().await.expect(200).json()["ident"], json!("one/readers"));

    let found = management.post("/search/role", json!({"search": "read"})).send().await.expect(200).json();
    let listed = management.get("/role?sourceIds=readers&sourceIds=others").send().await.expect(200).json();
    let other = management.get("/role?providerIds=two").send().await.expect(200).json();
    let hidden =
        trusting.with(&trusting.provider.token("eve")).get(&format!("/management/v1/role/{role}")).send().await;
    management.delete(&format!("/role/{role}")).send().await.expect(204);

    assert_eq!((&found["roles"][0]["id"], &listed["roles"][0]["id"]), (&json!(role), &json!(role)));
    assert_eq!(other["roles"], json!([]));
    hidden.expect_error(404, "NotFoundException");
    management.get(&format!("/role/{role}/metadata")).send().await.expect_error(404, "NotFoundException");
}

async fn a_role_of_the_catalog_gives_rights_from_the_next_request_on_and_takes_them_again(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let (inner, outer) = (trusting.role("inner").await, trusting.role("outer").await);
    let reads = format!(r#"permit (principal in Weir::Role::"{outer}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;
    let bob = trusting.provider.token("bob");
    let table = trusting.catalog_of(&bob);
    table.get("/namespaces/ns/tables/t").send().await.expect(404);

    trusting.put_into(&outer, json!([{"type": "role", "id": inner}])).await.expect(200);
    trusting.put_into(&inner, json!([{"type": "user", "id": "one~bob"}])).await.expect(200);
    table.get("/namespaces/ns/tables/t").send().await.expect(200);
    let direct = trusting.management().get("/user/one~bob/roles").send().await.expect(200).json();
    let all = trusting.management().get("/user/one~bob/roles/transitive").send().await.expect(200).json();
    let members =
        trusting.management().get(&format!("/role/{outer}/members/transitive")).send().await.expect(200).json();
    let path = format!("/role/{inner}/members/user/one~bob");
    trusting.management().delete(&path).send().await.expect(204);
    trusting.management().delete(&path).send().await.expect(204);

    table.get("/namespaces/ns/tables/t").send().await.expect(404);
    assert_eq!(direct["roles"].as_array().map(Vec::len), Some(1));
    assert_eq!(all["roles"].as_array().map(Vec::len), Some(2));
    let kinds: Vec<&str> =
        members["members"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user", "role"]);
}

/// The removal goes on without whoever asked for it, and what the catalog remembers of roles must not outlive it.
async fn a_member_removed_by_somebody_who_hung_up_has_lost_the_role(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let role = trusting.role("readers").await;
    let reads = format!(r#"permit (principal in Weir::Role::"{role}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;
    let table = trusting.catalog_of(&trusting.provider.token("bob"));
    table.get("/namespaces/ns/tables/t").send().await.expect(404);
    let members = format!("/role/{role}/members");
    let mut removed = 0;
    for patience_us in (0..30).map(|round| 300 + 400 * round).chain([5_000_000]) {
        trusting.put_into(&role, json!([{"type": "user", "id": "one~bob"}])).await.expect(200);
        table.get("/namespaces/ns/tables/t").send().await.expect(200);
        let path = format!("{members}/user/one~bob");
        let asking = trusting.management().delete(&path).send();
        let _ = tokio::time::timeout(Duration::from_micros(patience_us), asking).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let left = trusting.management().get(&members).send().await.expect(200).json();
        if left["members"] == json!([]) {
            table.get("/namespaces/ns/tables/t").send().await.expect(404);
            removed += 1;
        }
    }
    assert!(removed > 0, "the last one waited long enough");
}

async fn a_role_that_tokens_name_leads_to_the_roles_it_is_in(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let named = json!({"name": "Engineers", "provider-id": "one", "source-id": "engineers"});
    let named = trusting.management().post("/role", named).send().await.expect(201).json();
    let outer = trusting.role("outer").await;
    trusting.put_into(&outer, json!([{"type": "role", "id": named["id"]}])).await.expect(200);
    let reads = format!(r#"permit (principal in Weir::Role::"{outer}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;

    // What a token without groups leads to is not what another token of the same user does.
    trusting.catalog_of(&trusting.provider.token("bob")).get("/namespaces/ns/tables/t").send().await.expect(404);
    for (groups, status) in [(json!(["engineers"]), 200), (json!(["others"]), 404), (json!(["analyst"]), 200)] {
        let token = trusting.provider.token_with("bob", json!({ "groups": groups }));
        trusting.catalog_of(&token).get("/namespaces/ns/tables/t").send().await.expect(status);
    }
    let nested = trusting.provider.token_with("bob", json!({"realm": {"roles": ["analyst"]}}));
    trusting.catalog_of(&nested).get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn roles_give_nothing_once_their_project_is_gone(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let management = trusting.management();
    management.post("/project", json!({"project-name": "other", "project-id": "other"})).send().await.expect(201);
    let inner = management.post("/role", json!({"name": "inner", "project-id": "other"})).send().await;
    let inner = inner.expect(201).json()["id"].as_str().expect("an id").to_owned();
    let outer = trusting.role("outer").await;
    let reads = format!(r#"permit (principal in Weir::Role::"{outer}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;
    let bob = trusting.provider.token("bob");
    trusting.whoami(&bob).await.expect(200);
    trusting.put_into(&outer, json!([{"type": "role", "id": inner}])).await.expect(200);
    trusting.put_into(&inner, json!([{"type": "user", "id": "one~bob"}])).await.expect(200);
    trusting.catalog_of(&bob).get("/namespaces/ns/tables/t").send().await.expect(200);

    management.delete("/project/other").send().await.expect(204);

    trusting.catalog_of(&bob).get("/namespaces/ns/tables/t").send().await.expect(404);
}

async fn an_assumed_role_has_its_own_rights_and_no_others(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let (mine, foreign) = (trusting.role("mine").await, trusting.role("foreign").await);
    trusting.put_into(&mine, json!([{"type": "user", "id": "one~admin"}])).await.expect(200);
    let catalog = trusting.catalog_of(&trusting.provider.token("admin"));
    let load = |role: &str| catalog.get("/namespaces/ns/tables/t").header("x-assume-role", role).send();

    load(&mine).await.expect(404);
    load(&foreign).await.expect_error(403, "ForbiddenException");
    let reads = format!(r#"permit (principal == Weir::Role::"{mine}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;
    load(&mine).await.expect(200);
    let commit = bodies::commit(json!([]), bodies::set_property("a", "1"));
    catalog.post("/namespaces/ns/tables/t", commit).header("x-assume-role", &mine).send().await.expect(403);
    let whoami = trusting.management().get("/whoami").header("x-assume-role", &mine).send().await.expect(200).json();
    assert_eq!((&whoami["id"], &whoami["is-instance-admin"]), (&json!("one~admin"), &json!(false)));
}

async fn s23_roles_form_no_circle_and_are_not_too_deep(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.weir.govern(vec![admins()]).await;
    let mut chain = vec![trusting.role("r0").await];
    for number in 1..=11 {
        let next = trusting.role(&format!("r{number}")).await;
        let last = chain.last().expect("one").clone();
        let put = trusting.put_into(&last, json!([{"type": "role", "id": next}])).await;
        match number {
            11 => drop(put.expect_error(409, "ConflictException")),
            _ => drop(put.expect(200)),
        }
        chain.push(next);
    }

    let circle = trusting.put_into(&chain[5], json!([{"type": "role", "id": chain[0]}])).await;
    let itself = trusting.put_into(&chain[5], json!([{"type": "role", "id": chain[5]}])).await;
    let nobody = trusting
        .put_into(&chain[5], json!([{"type": "user", "id": "one~admin"}, {"type": "user", "id": "one~nobody"}]))
        .await;

    circle.expect_error(409, "ConflictException");
    itself.expect_error(409, "ConflictException");
    nobody.expect_error(404, "NotFoundException");
    let members = trusting.management().get(&format!("/role/{}/members?type=user", chain[5])).send().await;
    assert_eq!(members.expect(200).json()["members"], json!([]), "all of a request or nothing");
}

async fn s23_two_who_close_a_circle_together_do_not_both_succeed(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.weir.govern(vec![admins()]).await;
    for round in 0..5 {
        let (one, two) = (trusting.role(&format!("a{round}")).await, trusting.role(&format!("b{round}")).await);
        let (left, right) = tokio::join!(
            trusting.put_into(&one, json!([{"type": "role", "id": two}])),
            trusting.put_into(&two, json!([{"type": "role", "id": one}])),
        );
        let mut statuses = [left.status, right.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", left.text(), right.text());
    }
}

async fn s23_a_role_that_is_created_again_inherits_nothing(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.weir.govern(vec![admins()]).await;
    let before = trusting.role("readers").await;
    trusting.put_into(&before, json!([{"type": "user", "id": "one~admin"}])).await.expect(200);
    trusting.management().delete(&format!("/role/{before}")).send().await.expect(204);

    let after = trusting.role("readers").await;

    assert_ne!(before, after);
    let members = trusting.management().get(&format!("/role/{after}/members")).send().await.expect(200).json();
    assert_eq!(members["members"], json!([]));
}

async fn s19_who_lost_the_right_gets_no_304(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let analyst = trusting.provider.token_with("bob", json!({"groups": ["analyst"]}));
    let loaded = trusting.catalog_of(&analyst).get("/namespaces/ns/tables/t").send().await.expect(200);
    let etag = loaded.header("etag").expect("a tag").to_owned();
    let again =
        |token: &str| trusting.catalog_of(token).get("/namespaces/ns/tables/t").header("if-none-match", &etag).send();
    again(&analyst).await.expect(304);

    let revoked = trusting.provider.token("bob");

    again(&revoked).await.expect_error(404, "NoSuchTableException");
}

async fn s22_a_page_token_is_for_the_one_who_got_it(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.create_table("ns", "u").await;
    let admin = trusting.catalog_of(&trusting.provider.token("admin"));
    trusting.weir.govern(vec![admins()]).await;
    let page = admin.get("/namespaces/ns/tables?pageSize=1&pageToken=").send().await.expect(200).json();
    let next = format!("/namespaces/ns/tables?pageSize=1&pageToken={}", page["next-page-token"].as_str().unwrap());
    let analyst = trusting.provider.token_with("bob", json!({"groups": ["analyst"]}));

    admin.get(&next).send().await.expect(200);
    trusting.catalog_of(&analyst).get(&next).send().await.expect_error(400, "BadRequestException");
}

async fn b8_headers_that_make_no_sense_are_refused(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    let ask = || trusting.weir.root.get("/management/v1/whoami");

    ask().header("x-assume-role", "admins").send().await.expect_error(400, "BadRequestException");
    ask().header_bytes("x-assume-role", b"\xff\xfe").send().await.expect_error(400, "BadRequestException");
    let nobody = trusting.without().get("/management/v1/whoami");
    nobody.header_bytes("authorization", b"Bearer \xff").send().await.expect_error(401, "NotAuthorizedException");
}

async fn t40_a_plugin_is_shown_the_claims_that_it_was_granted_and_no_others(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    let by_claim = r#"permit (principal, action in Weir::Action::"read", resource)
        when { principal.claims has department && principal.claims.department == "sales" };"#;
    let policies = format!("{POLICIES}{by_claim}");
    let sales = trusting.provider.token_with("bob", json!({"department": "sales", "secret": "canary"}));
    let load = || trusting.catalog_of(&sales).get("/namespaces/ns/tables/t").send();

    trusting.weir.govern(vec![Plugin::cedar(&policies)]).await;
    load().await.expect(404);
    trusting.weir.govern(vec![Plugin { claims: vec!["email".into()], ..Plugin::cedar(&policies) }]).await;
    load().await.expect(404);
    trusting.weir.govern(vec![Plugin { claims: vec!["department".into()], ..Plugin::cedar(&policies) }]).await;
    load().await.expect(200);
    let peeks = r#"permit (principal, action in Weir::Action::"read", resource) when { principal.claims has secret };"#;
    let peeking = Plugin { claims: vec!["department".into()], ..Plugin::cedar(&format!("{POLICIES}{peeks}")) };
    trusting.weir.govern(vec![peeking]).await;
    load().await.expect(404);
}

async fn actions_are_those_that_requests_would_be_allowed(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let listed = trusting.weir.catalog.get("/namespaces/ns/tables?returnUuids=true").send().await.expect(200).json();
    let table =
        format!("/warehouse/{}/table/{}/actions", trusting.weir.prefix, listed["table-uuids"][0].as_str().unwrap());
    let analyst =
        trusting.with(&trusting.provider.token_with("bob", json!({"groups": ["analyst"]}))).under("/management/v1");
    let names = |told: Value| -> Vec<String> {
        let actions = told["allowed-actions"].as_array().expect("a list").clone();
        actions.iter().map(|one| one["action"].as_str().expect("a name").to_owned()).collect()
    };

    let mine = names(analyst.get(&table).send().await.expect(200).json());
    let all = names(trusting.management().get(&table).send().await.expect(200).json());
    let of_bob = format!("{table}?principalUser=one~bob");
    let bob = names(trusting.management().get(&of_bob).send().await.expect(200).json());

    assert!(mine.contains(&"read_data".to_owned()) && !mine.contains(&"drop".to_owned()), "{mine:?}");
    assert!(all.contains(&"drop".to_owned()) && all.contains(&"commit".to_owned()), "{all:?}");
    assert!(bob.is_empty(), "what only bob's token says is not known: {bob:?}");
    analyst.get(&of_bob).send().await.expect(403);
    let eve = trusting.with(&trusting.provider.token("eve")).under("/management/v1");
    eve.get(&table).send().await.expect_error(404, "NoSuchTableException");
    eve.get("/server/actions").send().await.expect_error(403, "ForbiddenException");
    let server = names(trusting.management().get("/server/actions").send().await.expect(200).json());
    assert!(server.contains(&"provision_users".to_owned()), "{server:?}");
}

async fn access_counts_the_roles_that_the_catalog_keeps(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    trusting.with_a_table().await;
    trusting.weir.govern(vec![admins()]).await;
    let readers = trusting.role("readers").await;
    let reads = format!(r#"permit (principal in Weir::Role::"{readers}", action in Weir::Action::"read", resource);"#);
    trusting.weir.govern(vec![Plugin::cedar(&format!("{POLICIES}{reads}"))]).await;
    trusting.whoami(&trusting.provider.token("bob")).await.expect(200);
    trusting.put_into(&readers, json!([{"type": "user", "id": "one~bob"}])).await.expect(200);
    let listed = trusting.weir.catalog.get("/namespaces/ns/tables?returnUuids=true").send().await.expect(200).json();
    let table = listed["table-uuids"][0].as_str().expect("an id");
    let access = format!("/permissions/warehouse/{}/table/{table}/access?principalUser=one~bob", trusting.weir.prefix);

    let told = trusting.management().get(&access).send().await.expect(200).json();

    let allowed = told["allowed-actions"].as_array().expect("a list");
    assert!(allowed.contains(&json!("read_data")) && !allowed.contains(&json!("drop")), "{told}");
}

async fn b4_a_first_user_named_with_nul_is_refused(engine: Engine) {
    let trusting = Trusting::open(engine).await;
    for part in ["user-name", "user-email"] {
        let body = json!({"accept-terms-of-use": true, part: "a\u{0}b"});
        trusting.management().post("/bootstrap", body).send().await.expect_error(400, "BadRequestException");
    }
    trusting.management().post("/bootstrap", json!({"accept-terms-of-use": true})).send().await.expect(204);
}
