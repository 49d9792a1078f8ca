//! S15: whatever happened before, keys that are remembered are those that would be made now.

use serde_json::{Value, json};
use weir_tests::s3::AssumedRole;
use weir_tests::{Engine, S3Server, bodies, guests, on_both_engines};

use crate::lake::{KEYS, Lake, VENDED};

on_both_engines!(s15_what_is_remembered_is_what_would_be_made);

/// What may change under a key that is remembered.
const STEPS: [&str; 9] = [
    "nothing",
    "the place of a table",
    "the same name for another table",
    "a rename",
    "the life of keys",
    "the session's tags",
    "the credential",
    "the right of the caller",
    "nothing again",
];

/// Everything that a session is made of.
fn made_of(session: &AssumedRole) -> Value {
    json!({
        "policy": session.policy, "name": session.session_name, "seconds": session.duration_seconds,
        "tags": session.tags, "role": session.role_arn, "external-id": session.external_id,
    })
}

/// The session of the keys that a load gives.
async fn session(lake: &Lake, table: &str) -> AssumedRole {
    let loaded = lake.load(table, VENDED).await;
    let key = loaded["storage-credentials"][0]["config"]["s3.access-key-id"].clone();
    let of_key = |session: &AssumedRole| key == session.access_key_id.as_str();
    lake.s3.assumed().into_iter().find(of_key).unwrap_or_else(|| panic!("{table}: {loaded}"))
}

/// A new generation of plugins: nothing that was remembered before counts.
async fn forget(lake: &Lake, rules: &Value) {
    lake.serve(&[(guests::guest("guest"), json!({ "rules": rules })), (guests::bundled("s3"), json!({}))]).await;
}

async fn change_profile(lake: &Lake, seconds: u32, tags: Value) {
    let mut profile = lake.s3.profile("wh");
    profile["sts-enabled"] = json!(true);
    profile["sts-token-validity-seconds"] = json!(seconds);
    profile["sts-session-tags"] = tags;
    let body = json!({"storage-profile": profile, "storage-credential": S3Server::credential()});
    lake.warehouse.post("/storage", body).send().await.expect(200);
}

async fn take(lake: &Lake, step: &str, rules: &mut Value) {
    match step {
        "the place of a table" => {
            lake.catalog.delete("/namespaces/ns/tables/t10").send().await.expect(204);
            let mut body = bodies::create_table("t10");
            body["location"] = json!("s3://lake/wh/t1/0");
            lake.catalog.post("/namespaces/ns/tables", body).send().await.expect(200);
        }
        "the same name for another table" => {
            lake.catalog.delete("/namespaces/ns/tables/t1").send().await.expect(204);
            lake.create_table("t1").await;
        }
        "a rename" => {
            let ident = |name: &str| json!({"namespace": ["ns"], "name": name});
            for (from, to) in [("t1", "x"), ("read-only", "t1"), ("x", "read-only")] {
                let body = json!({"source": ident(from), "destination": ident(to)});
                lake.catalog.post("/tables/rename", body).send().await.expect(204);
            }
        }
        "the life of keys" => change_profile(lake, 1_800, json!({})).await,
        "the session's tags" => change_profile(lake, 1_800, json!({"table": "{table}"})).await,
        "the credential" => {
            lake.s3.add_key("AKIASECOND", "another-secret");
            let mut credential = S3Server::credential();
            credential["access-key-id"] = json!("AKIASECOND");
            credential["secret-access-key"] = json!("another-secret");
            credential["external-id"] = json!("outside");
            let body = json!({"new-storage-credential": credential});
            lake.warehouse.post("/storage-credential", body).send().await.expect(200);
        }
        "the right of the caller" => {
            *rules = json!([{"effect": "deny", "action": "table:write", "name": "t10"}]);
            forget(lake, rules).await;
        }
        _ => {}
    }
}

async fn s15_what_is_remembered_is_what_would_be_made(engine: Engine) {
    let lake = Lake::open(engine, KEYS).await;
    let mut rules = json!([{"effect": "deny", "action": "table:write", "name": "read-only"}]);
    forget(&lake, &rules).await;
    let tables = ["t1", "t10", "read-only"];
    for name in tables {
        lake.create_table(name).await;
    }
    for step in STEPS {
        for table in tables {
            session(&lake, table).await;
        }
        take(&lake, step, &mut rules).await;

        let mut remembered = Vec::new();
        for table in tables {
            let first = session(&lake, table).await;
            assert_eq!(
                session(&lake, table).await.access_key_id,
                first.access_key_id,
                "{step}: {table} is not remembered"
            );
            remembered.push(made_of(&first));
        }
        forget(&lake, &rules).await;

        for (table, remembered) in tables.into_iter().zip(remembered) {
            assert_eq!(remembered, made_of(&session(&lake, table).await), "{table} after {step}");
        }
    }
}
