//! Trusted engines: views that run with the rights of their owners, which nobody else borrows.

use serde_json::{Value, json};
use weir_tests::oidc::Provider;
use weir_tests::{Answer, Engine, Http, bodies, on_both_engines};

use crate::governed::Plugin;
use crate::tokens::Trusting;

on_both_engines!(
    a_definer_view_opens_what_its_owner_may_read_to_those_who_may_read_the_view,
    a_chain_opens_no_more_than_each_owner_could,
    s27_nobody_but_the_engine_names_an_owner_or_changes_what_has_one,
    a_caller_that_is_no_engine_gains_nothing_by_naming_views
);

/// Alice reads everything; Bob and Carol the views `shown` and `middle`; the engine itself creates views.
const POLICIES: &str = r#"
    permit (principal == Weir::User::"one~admin", action, resource);
    permit (principal == Weir::User::"one~trino", action in Weir::Action::"view", resource);
    permit (principal == Weir::User::"one~trino", action in Weir::Action::"namespace", resource);
    permit (principal == Weir::User::"one~trino", action == Weir::Action::"warehouse:describe", resource);
    permit (principal == Weir::User::"one~alice", action in Weir::Action::"read", resource);
    permit (principal == Weir::User::"one~dave", action in Weir::Action::"view", resource);
    permit (principal == Weir::User::"one~carol", action == Weir::Action::"view:describe", resource)
        when { resource.name == "middle" };
"#;

const OWNER: &str = "trino.run-as-owner";

struct Stage {
    trusting: Trusting,
}

impl Stage {
    async fn set(engine: Engine) -> Self {
        let more = [
            ("WEIR__AUTHORIZATION__ENGINES__TRINO__OWNER_PROPERTY", OWNER),
            ("WEIR__AUTHORIZATION__ENGINES__TRINO__OWNER_ISSUER", "one"),
            ("WEIR__AUTHORIZATION__ENGINES__TRINO__CALLERS", "one~trino"),
        ];
        let trusting = Trusting::open_with(engine, Provider::start().await, &more).await;
        trusting.weir.create_namespace("ns").await;
        trusting.weir.create_table("ns", "t").await;
        for name in ["alice", "carol", "dave"] {
            trusting.whoami(&trusting.provider.token(name)).await.expect(200);
        }
        trusting.weir.govern(vec![Plugin::cedar(POLICIES)]).await;
        Self { trusting }
    }

    fn as_user(&self, name: &str) -> Http {
        self.trusting
            .with(&self.trusting.provider.token(name))
            .under(&format!("/catalog/v1/{}", self.trusting.weir.prefix))
    }

    async fn view(&self, by: &str, name: &str, properties: Value) -> Answer {
        let body = json!({"properties": properties});
        let mut view = bodies::create_view(name);
        view["properties"] = body["properties"].clone();
        self.as_user(by).post("/namespaces/ns/views", view).send().await
    }

    async fn load(&self, by: &str, views: &str) -> Answer {
        self.as_user(by).get(&format!("/namespaces/ns/tables/t?referenced-by={views}")).send().await
    }
}

async fn a_definer_view_opens_what_its_owner_may_read_to_those_who_may_read_the_view(engine: Engine) {
    let stage = Stage::set(engine).await;
    stage.view("trino", "v", json!({ OWNER: "alice" })).await.expect(200);
    stage.view("trino", "invoker", json!({})).await.expect(200);
    stage.view("trino", "ghost", json!({ OWNER: "nobody" })).await.expect(200);
    stage.view("trino", "with,comma", json!({ OWNER: "one~alice" })).await.expect(200);

    stage.load("trino", "").await.expect_error(404, "NoSuchTableException");
    stage.load("trino", "ns%1Finvoker").await.expect_error(404, "NoSuchTableException");
    stage.load("trino", "ns%1Fv").await.expect(200);
    stage.load("trino", "ns%1Finvoker,ns%1Fv").await.expect(200);
    stage.load("trino", "ns%251Fwith%252Ccomma").await.expect(200);
    stage.load("trino", "ns%1Fwith,comma").await.expect_error(404, "NoSuchViewException");
    stage.load("trino", "ns%1Fghost").await.expect_error(403, "ForbiddenException");
    stage.load("trino", "ns%1Fabsent").await.expect_error(404, "NoSuchViewException");
    let credentials =
        stage.as_user("trino").get("/namespaces/ns/tables/t/credentials?referenced-by=ns%1Fv").send().await;
    credentials.expect(200);
    // The table lies on a disk, so nothing is signed for those either who may read it.
    let sign = |views: &str| {
        let body = json!({"method": "GET", "region": "r", "uri": "http://127.0.0.1/lake/x", "headers": {}});
        stage.as_user("trino").post(&format!("/namespaces/ns/tables/t/sign{views}"), body).send()
    };
    sign("").await.expect_error(404, "NoSuchTableException");
    sign("?referenced-by=ns%1Finvoker").await.expect_error(404, "NoSuchTableException");
    sign("?referenced-by=ns%1Fv").await.expect_error(400, "BadRequestException");
    let long: Vec<String> = (0..11).map(|number| format!("ns%1Fv{number}")).collect();
    stage.load("trino", &long.join(",")).await.expect_error(400, "BadRequestException");
    stage.load("trino", "ns%1Fv,ns%1Fv").await.expect_error(400, "BadRequestException");
}

async fn a_chain_opens_no_more_than_each_owner_could(engine: Engine) {
    let stage = Stage::set(engine).await;
    stage.view("trino", "outer", json!({ OWNER: "carol" })).await.expect(200);
    stage.view("trino", "middle", json!({ OWNER: "alice" })).await.expect(200);
    stage.view("trino", "other", json!({ OWNER: "alice" })).await.expect(200);

    // Carol may use `middle`, which reads as Alice; `other` she may not see.
    stage.load("trino", "ns%1Fouter").await.expect_error(404, "NoSuchTableException");
    stage.load("trino", "ns%1Fouter,ns%1Fmiddle").await.expect(200);
    stage.load("trino", "ns%1Fouter,ns%1Fother").await.expect_error(404, "NoSuchViewException");
}

async fn s27_nobody_but_the_engine_names_an_owner_or_changes_what_has_one(engine: Engine) {
    let stage = Stage::set(engine).await;
    stage.view("trino", "v", json!({ OWNER: "alice" })).await.expect(200);
    stage.view("trino", "plain", json!({})).await.expect(200);
    let change = |name: &str, updates: Value| {
        let body = bodies::commit(json!([]), updates);
        stage.as_user("dave").post(&format!("/namespaces/ns/views/{name}"), body).send()
    };
    let remove = json!([{"action": "remove-properties", "removals": [OWNER]}]);

    for key in [OWNER, "Trino.Run-As-Owner", " trino.run-as-owner"] {
        let by_user = stage.as_user("admin").post("/namespaces/ns/views", {
            let mut view = bodies::create_view("mine");
            view["properties"] = json!({ key: "alice" });
            view
        });
        by_user.send().await.expect_error(403, "ForbiddenException");
        change("plain", bodies::set_property(key, "alice")).await.expect_error(403, "ForbiddenException");
    }
    change("v", bodies::set_property(OWNER, "dave")).await.expect_error(403, "ForbiddenException");
    change("v", bodies::set_property("note", "harmless")).await.expect_error(403, "ForbiddenException");
    change("v", remove).await.expect_error(403, "ForbiddenException");
    change("plain", bodies::set_property("note", "harmless")).await.expect(200);
    stage
        .view("trino", "twofold", json!({ "TRINO.RUN-AS-OWNER": "alice" }))
        .await
        .expect_error(400, "BadRequestException");
}

async fn a_caller_that_is_no_engine_gains_nothing_by_naming_views(engine: Engine) {
    let stage = Stage::set(engine).await;
    stage.view("trino", "middle", json!({ OWNER: "alice" })).await.expect(200);

    stage.load("carol", "ns%1Fmiddle").await.expect_error(404, "NoSuchTableException");
    stage.load("dave", "ns%1Fmiddle").await.expect_error(404, "NoSuchTableException");
    stage.load("alice", "ns%1Fmiddle").await.expect(200);
}
