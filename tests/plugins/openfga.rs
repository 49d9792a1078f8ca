//! The plugin `openfga` in the sandbox, against a real server.

use serde_json::json;
use weir::plugin::{
    Call, Check, Effect, Egress, Grant, Guest, GuestSettings, Limits, Object, Plan, PluginFault, Principal,
};
use weir_tests::{OpenFga, guests};

use crate::ask::{limits, shared};
use crate::openfga_house::{House, admin, batch, caller, grant, ids, load_within, object, project, table, warehouse};

#[tokio::test]
async fn a_grant_gives_what_it_says_and_its_revocation_takes_it_at_once() {
    let Some(house) = House::open().await else { return };
    let ann = caller("oidc~ann smith", &[]);
    let (orders, stocks) = (table("orders"), table("stocks"));
    assert!(!house.may(&ann, "table:describe", &orders).await, "nobody has anything at first");

    house.grant("user:oidc~ann smith", "select", &orders).await;

    assert!(house.may(&ann, "table:describe", &orders).await);
    assert!(house.may(&ann, "table:read", &orders).await);
    assert!(!house.may(&ann, "table:write", &orders).await);
    assert!(!house.may(&ann, "table:describe", &stocks).await, "another table is not granted");
    assert!(!house.may(&caller("oidc~ann", &[]), "table:describe", &orders).await, "another person has nothing");

    house.revoke("user:oidc~ann smith", "select", &orders).await;

    assert!(!house.may(&ann, "table:describe", &orders).await);
}

#[tokio::test]
async fn rights_are_inherited_down_to_tables() {
    let Some(house) = House::open().await else { return };
    for (who, privilege, place) in
        [("p", "select", project()), ("w", "modify", warehouse()), ("n", "create", object("namespace", &["a"], "b"))]
    {
        house.grant(&format!("user:{who}"), privilege, &place).await;
    }
    let orders = table("orders");
    let namespace = object("namespace", &["a"], "b");

    for (who, action, object, expected) in [
        ("p", "table:read", &orders, true),
        ("p", "table:write", &orders, false),
        ("w", "table:commit", &orders, true),
        ("w", "table:read", &orders, true),
        ("w", "namespace:create-table", &namespace, false),
        ("n", "namespace:create-table", &namespace, true),
        ("n", "table:describe", &orders, true),
        ("n", "table:read", &orders, false),
    ] {
        assert_eq!(house.may(&caller(who, &[]), action, object).await, expected, "{who} {action}");
    }
}

#[tokio::test]
async fn a_grant_on_a_table_shows_the_way_to_it_and_nothing_beside_it() {
    let Some(house) = House::open().await else { return };
    let ann = caller("ann", &[]);
    let (a, b) = (object("namespace", &[], "a"), object("namespace", &["a"], "b"));
    let beside = object("namespace", &["a"], "c");

    house.grant("user:ann", "describe", &table("orders")).await;
    house.grant("user:ann", "select", &table("stocks")).await;

    for (action, object, expected) in [
        ("warehouse:describe", &warehouse(), true),
        ("namespace:describe", &a, true),
        ("namespace:list-tables", &b, true),
        ("namespace:describe", &beside, false),
        ("namespace:update-properties", &b, false),
        ("table:describe", &table("third"), false),
    ] {
        assert_eq!(house.may(&ann, action, object).await, expected, "{action} {}", object.name);
    }
    assert_eq!(ids(house.plan(&ann, "namespace", &["a"]).await).0, ["id-a", "id-b"]);
    assert_eq!(ids(house.plan(&ann, "table", &["a", "b"]).await), (vec!["id-orders".into(), "id-stocks".into()], true));

    house.revoke("user:ann", "describe", &table("orders")).await;
    assert!(house.may(&ann, "namespace:describe", &b).await, "the way to the other table stays");
    house.revoke("user:ann", "select", &table("stocks")).await;
    for place in [&a, &b] {
        assert!(
            !house.may(&ann, "namespace:describe", place).await,
            "the way goes with the last grant: {}",
            place.name
        );
    }
}

#[tokio::test]
async fn roles_of_a_token_count_without_being_stored() {
    let Some(house) = House::open().await else { return };
    house.grant("role:readers", "select", &warehouse()).await;
    let orders = table("orders");

    assert!(house.may(&caller("ann", &["readers"]), "table:read", &orders).await);
    assert!(!house.may(&caller("ann", &["writers"]), "table:read", &orders).await);
    let mut many: Vec<String> = (0..90).map(|n| format!("r{n}")).collect();
    many.push("readers".into());
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(house.may(&caller("ann", &many), "table:read", &orders).await, "the last of many roles counts too");
    let as_role = Call { principal: Principal { kind: "role".into(), ..caller("readers", &[]).principal }, ..admin() };
    assert!(house.may(&as_role, "table:read", &orders).await, "whoever acts as the role has its rights");
    assert!(house.may(&admin(), "table:drop", &orders).await, "an administrator of the settings may do everything");
}

#[tokio::test]
async fn s24_answers_of_a_batch_stay_with_their_questions() {
    let Some(house) = House::open_with(&[], json!({ "checks-per-request": 3 })).await else { return };
    for n in (0..20).step_by(3) {
        house.grant("user:ann", "select", &table(&format!("t{n}"))).await;
    }
    let names: Vec<usize> = [7, 3, 3, 0, 19, 18, 3, 1, 0, 6, 12, 12, 5].to_vec();
    let check = |n: &usize| Check { action: "table:read".into(), object: table(&format!("t{n}")) };
    let mut checks: Vec<Check> = names.iter().map(check).collect();
    checks.insert(4, Check { action: "table:explode".into(), object: table("t0") });

    let verdicts = house.guest.authorize(&caller("ann", &[]), &checks).await.expect("the plugin decides");

    let allowed: Vec<bool> = verdicts.iter().map(|verdict| verdict.effect == Effect::Allow).collect();
    let mut expected: Vec<bool> = names.iter().map(|n| n % 3 == 0).collect();
    expected.insert(4, false);
    assert_eq!(allowed, expected);
}

#[tokio::test]
async fn t57_a_listing_is_whole_however_little_the_server_lists_at_once() {
    let Some(house) = House::open_with(&["--listObjects-max-results=5"], json!({})).await else { return };
    let mut expected = Vec::new();
    for n in 0..40 {
        house.grant("user:ann", "select", &table(&format!("t{n:02}"))).await;
        expected.push(format!("id-t{n:02}"));
    }
    assert_eq!(ids(house.plan(&caller("ann", &[]), "table", &["a", "b"]).await), (expected, true));
}

#[tokio::test]
async fn t57_a_list_that_is_cut_is_no_list() {
    // As much as the model needs, too little for the list.
    let tight = Limits { http_bytes_max: 100_000, ..limits() };
    let Some(server) = OpenFga::start().await else { return };
    let guest = load_within(&server, json!({}), tight).await;
    let house = House { server, guest };
    house.grant("user:ann", "select", &table("t1")).await;
    house.store_many("user:ann", "select", 3_000).await;

    let plan = house.plan(&caller("ann", &[]), "table", &["a", "b"]).await;

    assert!(matches!(plan, Plan::PerItem), "{plan:?}");
    let batch = batch(&["t0", "t1", "t2"]);
    let codes = house.guest.authorize_many(&caller("ann", &[]), &batch).await.expect("it checks one by one");
    assert_eq!(codes, [0, 1, 0]);
}

#[tokio::test]
async fn t55_a_listing_shows_what_single_checks_allow() {
    let Some(house) = House::open_with(&[], json!({ "checks-per-request": 7 })).await else { return };
    let names: Vec<String> = (0..30).map(|n| format!("t{n}")).collect();
    house.grant("user:admin", "modify", &warehouse()).await;
    house.grant("role:few", "describe", &table("t4")).await;
    for n in [1, 8, 29] {
        house.grant("user:reader", "select", &table(&format!("t{n}"))).await;
    }
    for who in [caller("admin", &[]), caller("reader", &["few"]), caller("reader", &[]), caller("nobody", &[])] {
        let mut single = Vec::new();
        for name in &names {
            single.push(house.may(&who, "table:describe", &table(name)).await);
        }
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let many = house.guest.authorize_many(&who, &batch(&columns)).await.expect("columns are decided");
        let planned = match house.plan(&who, "table", &["a", "b"]).await {
            Plan::Everything => vec![true; names.len()],
            Plan::Nothing => vec![false; names.len()],
            Plan::Ids(few) => {
                assert!(few.complete);
                names.iter().map(|name| few.ids.contains(&format!("id-{name}"))).collect()
            }
            other => panic!("no plan of this plugin: {other:?}"),
        };
        assert_eq!(many.iter().map(|code| *code == 1).collect::<Vec<_>>(), single, "{:?}", who.principal);
        assert_eq!(planned, single, "{:?}", who.principal);
    }
}

#[tokio::test]
async fn t56_a_creator_owns_once_a_move_leaves_no_way_a_drop_leaves_nothing() {
    let Some(house) = House::open().await else { return };
    let ann = caller("ann", &[]);
    let orders = table("orders");
    let b = object("namespace", &["a"], "b");
    house.tell("ann", "created", &orders).await;
    assert!(house.may(&ann, "table:drop", &orders).await && house.may(&ann, "namespace:describe", &b).await);

    house.revoke("user:ann", "ownership", &orders).await;
    house.tell("ann", "created", &orders).await;
    assert!(!house.may(&ann, "table:describe", &orders).await, "told twice, a revoked right does not come back");

    house.grant("user:ann", "select", &orders).await;
    let moved = object("table", &["c"], "orders");
    house.tell("root", "moved", &moved).await;
    house.tell("root", "moved", &moved).await;
    assert!(house.may(&ann, "table:read", &moved).await, "the grant goes with the table");
    assert!(house.may(&ann, "namespace:describe", &object("namespace", &[], "c")).await);
    assert!(!house.may(&ann, "namespace:describe", &b).await, "the old namespace is not to be seen any more");
    assert!(house.may(&ann, "warehouse:describe", &warehouse()).await);

    house.tell("root", "dropped", &moved).await;
    assert!(house.grants(&moved).await.is_empty());
    assert!(!house.may(&ann, "warehouse:describe", &warehouse()).await, "nothing below is left to see");
    assert!(!house.may(&ann, "table:read", &moved).await);
}

#[tokio::test]
async fn s23_nobody_grants_what_he_could_not_take() {
    let Some(house) = House::open().await else { return };
    let orders = table("orders");
    house.grant("user:passer", "pass_grants", &orders).await;
    house.grant("user:passer", "select", &orders).await;
    house.grant("user:reader", "select", &orders).await;
    house.grant("user:owner", "ownership", &object("namespace", &[], "a")).await;
    let may_grant = async |who: &str, privilege: &str| {
        let attributes = vec![weir::plugin::Attribute {
            key: "privilege".into(),
            value: weir::plugin::Value::Text(privilege.into()),
        }];
        house.may(&caller(who, &[]), "table:grant", &Object { attributes, ..orders.clone() }).await
    };

    for (who, privilege, expected) in [
        ("passer", "select", true),
        ("passer", "describe", true),
        ("passer", "modify", false),
        ("passer", "pass_grants", false),
        ("passer", "ownership", false),
        ("reader", "select", false),
        ("owner", "ownership", true),
        ("owner", "modify", true),
        ("stranger", "describe", false),
    ] {
        assert_eq!(may_grant(who, privilege).await, expected, "{who} {privilege}");
    }
    let refused = house.guest.write_grants(&admin(), &[grant("user:x", "everything", &orders)], &[]).await;
    assert!(matches!(refused, Err(PluginFault::Guest { ref code, .. }) if code == "no_such_privilege"), "{refused:?}");
}

#[tokio::test]
async fn grants_are_read_page_by_page() {
    let Some(house) = House::open().await else { return };
    let orders = table("orders");
    let add: Vec<Grant> = (0..130).map(|n| grant(&format!("user:u{n:03}"), "select", &orders)).collect();
    for few in add.chunks(10) {
        house.guest.write_grants(&admin(), few, &[]).await.expect("grants are written");
    }
    house.tell("ann", "created", &orders).await;

    let grants = house.grants(&orders).await;

    assert_eq!(grants.len(), 131);
    assert!(grants.contains(&("user:ann".into(), "ownership".into())));
    assert!(house.guest.privileges(&admin(), "table").await.expect("privileges").contains(&"select".to_owned()));
}

#[tokio::test]
async fn what_the_server_cannot_say_is_no_denial_and_a_lost_store_is_made_again() {
    let Some(mut house) = House::open().await else { return };
    let check = Check { action: "table:describe".into(), object: table("orders") };
    house.grant("user:ann", "select", &table("orders")).await;
    house.server.stop();

    let fault = house.guest.authorize(&caller("ann", &[]), std::slice::from_ref(&check)).await.expect_err("no server");
    assert_eq!(fault.code(), "guest_unavailable", "{fault}");
    assert!(fault.retry_after().as_millis() >= 1_000);

    house.server.resume().await;
    let fault = house.guest.authorize(&caller("ann", &[]), std::slice::from_ref(&check)).await.expect_err("no store");
    assert_eq!(fault.code(), "guest_unavailable", "{fault}");
    assert!(!house.may(&caller("ann", &[]), "table:describe", &table("orders")).await, "a new store knows nobody");
}

#[tokio::test]
async fn a_token_is_sent_without_being_seen() {
    let arguments = ["--authn-method=preshared", "--authn-preshared-keys=canary-token"];
    let Some(server) = OpenFga::start_with(&arguments).await else { return };
    let bytes = std::fs::read(guests::bundled("openfga")).expect("the plugin is readable").into();
    let compiled = shared().compile(bytes).await.expect("the plugin compiles");
    for (secret, accepted) in [("canary-token", true), ("another", false)] {
        let settings = GuestSettings {
            name: "openfga".into(),
            settings_json: json!({ "url": server.url(), "token": true }).to_string(),
            limits: limits(),
            egress: Egress { origins: vec![server.url()], allow_private: true },
            secrets: [("token".to_owned(), weir::plugin::Secret::new(secret.as_bytes(), false))].into(),
            ..GuestSettings::default()
        };
        let guest = Guest::load(&shared(), &compiled, settings).await.expect("the plugin loads");
        let check = Check { action: "table:describe".into(), object: table("orders") };

        let said = guest.authorize(&caller("ann", &[]), &[check]).await;

        assert_eq!(said.is_ok(), accepted, "{said:?}");
        assert!(!format!("{said:?}").contains("canary"), "{said:?}");
    }
}

#[tokio::test]
async fn a_token_has_to_be_granted_only_where_requests_are_to_carry_one() {
    let bytes = std::fs::read(guests::bundled("openfga")).expect("the plugin is readable").into();
    let compiled = shared().compile(bytes).await.expect("the plugin compiles");
    let settings = |token: bool| GuestSettings {
        name: "openfga".into(),
        settings_json: json!({ "url": "http://127.0.0.1:1", "token": token }).to_string(),
        limits: limits(),
        egress: Egress { origins: vec!["http://127.0.0.1:1".into()], allow_private: true },
        ..GuestSettings::default()
    };

    let without = Guest::load(&shared(), &compiled, settings(false)).await.expect("the plugin loads");
    let with = Guest::load(&shared(), &compiled, settings(true)).await;

    assert!(without.description().secrets.is_empty(), "what it names there is demanded of every declaration");
    let Err(refusal) = with else { panic!("a token that is not granted cannot be sent") };
    assert!(refusal.to_string().contains("`/token`"), "{refusal}");
}
