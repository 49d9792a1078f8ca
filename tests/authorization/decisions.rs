//! What single questions come to: allowed, forbidden, hidden, undecided.

use serde_json::{Value, json};
use weir_tests::{Answer, Engine, bodies, on_both_engines};

use crate::governed::{Governed, Plugin};

on_both_engines!(
    what_is_visible_but_not_allowed_is_403_and_what_is_not_visible_404,
    i2_what_cannot_be_decided_is_503_on_reads_and_creates_and_429_on_commits,
    i1_no_way_to_fail_allows_anything,
    s20_hidden_looks_like_absent,
    s20_the_signer_tells_no_name_of_a_table_by_its_id,
    s26_one_denied_table_denies_the_whole_transaction_before_any_file,
    t56_a_table_that_comes_back_under_its_name_has_another_id,
    s20_a_create_transaction_tells_nothing_of_taken_names,
    a_recursive_drop_needs_the_right_to_drop_everything_inside,
    row_44_a_replay_is_authorized_again,
    s20_an_overlap_does_not_tell_where_a_hidden_table_lies,
    s25_a_policy_that_changes_holds_from_the_next_question_on
);

fn commit() -> Value {
    bodies::commit(json!([]), bodies::set_property("owner", "a"))
}

async fn what_is_visible_but_not_allowed_is_403_and_what_is_not_visible_404(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"rules": [
        {"effect": "deny", "action": "table:commit"}, {"effect": "deny", "action": "view:*"}]}))])
        .await;

    let forbidden = weir.catalog.post("/namespaces/ns/tables/t", commit()).send().await;
    let hidden = weir.catalog.post("/namespaces/ns/views/v", commit()).send().await;

    let message = forbidden.expect_error(403, "ForbiddenException");
    assert!(message.contains("table:commit") && message.contains("ns.t"), "{message}");
    hidden.expect_error(404, "NoSuchViewException");
}

async fn i2_what_cannot_be_decided_is_503_on_reads_and_creates_and_429_on_commits(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"behaviour": "unavailable", "count": 7_000}))]).await;
    let change =
        json!({ "identifier": bodies::identifier("ns", "t"), "requirements": [], "updates": commit()["updates"] });

    let load = weir.catalog.get("/namespaces/ns/tables/t").send().await;
    let create = weir.catalog.post("/namespaces/ns/tables", bodies::create_table("new")).send().await;
    let commits = [
        weir.catalog.post("/namespaces/ns/tables/t", commit()).send().await,
        weir.catalog.post("/namespaces/ns/views/v", commit()).send().await,
        weir.catalog.post("/transactions/commit", json!({ "table-changes": [change] })).send().await,
    ];

    for answer in [load, create] {
        assert_undecided(answer, 503, "ServiceUnavailableException");
    }
    for answer in commits {
        assert_undecided(answer, 429, "TooManyRequestsException");
    }
}

#[track_caller]
fn assert_undecided(answer: Answer, status: u16, kind: &str) {
    assert_eq!(answer.header("retry-after"), Some("7"));
    let message = answer.expect_error(status, kind);
    assert!(message.contains("(guest_unavailable)"), "{message}");
}

async fn i1_no_way_to_fail_allows_anything(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    for (behaviour, code) in [
        ("loop", "plugin_timeout"),
        ("trap", "plugin_trap"),
        ("panic", "plugin_trap"),
        ("memory-bomb", "memory_exceeded"),
        ("too-few", "bad_output"),
        ("too-many", "bad_output"),
        ("internal", "guest_internal"),
    ] {
        weir.govern(vec![Plugin::guest(json!({"behaviour": behaviour, "count": 1}))]).await;

        let answer = weir.catalog.get("/namespaces/ns/tables/t").send().await;

        let message = answer.expect_error(503, "ServiceUnavailableException");
        // On a busy machine whatever takes long is cut off before it has done its worst.
        assert!(message.contains(code) || message.contains("plugin_timeout"), "{behaviour}: {message}");
    }
}

async fn s20_hidden_looks_like_absent(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    for settings in [
        json!({"rules": [{"effect": "deny", "kind": "table"}, {"effect": "deny", "kind": "view"},
            {"effect": "deny", "kind": "namespace"}, {"effect": "deny", "kind": "warehouse"}]}),
        json!({"behaviour": "unavailable", "count": 2_000}),
    ] {
        weir.govern(vec![Plugin::guest(settings)]).await;
        for (there, not_there) in [
            ("/namespaces/ns", "/namespaces/zz"),
            ("/namespaces/ns/tables/t", "/namespaces/ns/tables/x"),
            ("/namespaces/ns/views/v", "/namespaces/ns/views/x"),
            ("/namespaces/ns/tables/t/credentials", "/namespaces/ns/tables/x/credentials"),
        ] {
            let hidden = weir.catalog.get(there).send().await;
            let absent = weir.catalog.get(not_there).send().await;
            assert_eq!(shape(&hidden, there), shape(&absent, not_there), "{there}");
        }
        let config = |name: &str| weir.root.get(&format!("/catalog/v1/config?warehouse={name}"));
        let (hidden, absent) = (config("default").send().await, config("absence").send().await);
        assert_eq!(shape(&hidden, "default"), shape(&absent, "absence"));
    }
}

async fn s20_the_signer_tells_no_name_of_a_table_by_its_id(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let listed = weir.catalog.get("/namespaces/ns/tables?returnUuids=true").send().await.expect(200).json();
    let id = listed["table-uuids"][0].as_str().expect("an id").to_owned();
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "kind": "table"}]}))]).await;
    let ask = async |id: &str| {
        let path = format!("/catalog/v1/signer/{}/tabular-id/{id}/v1/aws/s3/sign", weir.prefix);
        let body = json!({"method": "GET", "region": "eu", "uri": "https://s3.test/lake/x", "headers": {}});
        weir.root.post(&path, body).send().await.expect_error(404, "NoSuchTableException").replace(id, "?")
    };

    let absent = "0197f0c8-2222-7aaa-8bbb-0123456789ab";
    assert_eq!(ask(&id).await, ask(absent).await);
}

/// What a caller can compare: status, the headers but those that name the request, the body without the name that was
/// asked for.
fn shape(answer: &Answer, path: &str) -> (u16, Vec<String>, String) {
    let own = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| match name.as_str() {
        "content-length" => name.to_string(),
        _ => format!("{name}: {value:?}"),
    });
    let name = path.trim_start_matches("/namespaces/").replace("/tables/", ".").replace("/views/", ".");
    let name = name.trim_end_matches("/credentials");
    let message = answer.json()["error"]["message"].as_str().expect("a message").replace(name, "?");
    (answer.status, headers.collect(), message)
}

async fn s26_one_denied_table_denies_the_whole_transaction_before_any_file(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let secret = weir.create_table("ns", "secret").await;
    let folder = secret["metadata"]["location"].as_str().expect("a location").trim_start_matches("file://").to_owned();
    let files = || std::fs::read_dir(format!("{folder}/metadata")).expect("a folder").count();
    let before = (files(), weir.catalog.get("/namespaces/ns/tables/t").send().await.json());
    weir.govern(vec![Plugin::guest(
        json!({"rules": [{"effect": "deny", "action": "table:commit", "name": "secret"}]}),
    )])
    .await;
    let change = |name| json!({ "identifier": bodies::identifier("ns", name), "requirements": [], "updates": commit()["updates"] });

    let body = json!({ "table-changes": [change("t"), change("secret")] });
    let refused = weir.catalog.post("/transactions/commit", body).send().await;

    refused.expect_error(403, "ForbiddenException");
    let after = (files(), weir.catalog.get("/namespaces/ns/tables/t").send().await.json());
    assert_eq!(after, before);
}

/// Neither a hidden table nor a hidden view shows itself to whoever may create nothing.
async fn s20_a_create_transaction_tells_nothing_of_taken_names(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "kind": "table"},
        {"effect": "deny", "kind": "view"}, {"effect": "deny", "action": "namespace:create-table"}]}))])
        .await;
    let ask = async |name: &str| {
        let body = bodies::commit(json!([{"type": "assert-create"}]), json!([]));
        let answer = weir.catalog.post(&format!("/namespaces/ns/tables/{name}"), body).send().await;
        answer.expect_error(403, "ForbiddenException")
    };

    assert_eq!(ask("t").await, ask("x").await);
    assert_eq!(ask("v").await, ask("x").await);
}

async fn t56_a_table_that_comes_back_under_its_name_has_another_id(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let listed = weir.catalog.get("/namespaces/ns/tables?returnUuids=true").send().await.expect(200).json();
    let id = listed["table-uuids"][0].clone();
    let by_id = json!({"answer": "allow", "plan": "ids", "names": [id]});
    weir.govern(vec![Plugin::planner(by_id)]).await;
    assert_eq!(weir.names("/namespaces/ns/tables", 10).await, ["t"]);

    weir.catalog.delete("/namespaces/ns/tables/t").send().await.expect(204);
    weir.create_table("ns", "t").await;

    assert!(weir.names("/namespaces/ns/tables", 10).await.is_empty(), "the old id's rights came back with the name");
}

async fn a_recursive_drop_needs_the_right_to_drop_everything_inside(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "action": "view:drop", "name": "v"}]}))]).await;

    let refused = weir.catalog.delete("/namespaces/ns?recursive=true").send().await;

    refused.expect_error(403, "ForbiddenException");
    weir.catalog.get("/namespaces/ns/tables/t").send().await.expect(200);
}

async fn s20_an_overlap_does_not_tell_where_a_hidden_table_lies(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let lake = format!("file://{}", weir.installation.lake().display());
    let create = async |name: &str, location: String| {
        let mut body = bodies::create_table(name);
        body["location"] = json!(location);
        weir.catalog.post("/namespaces/ns/tables", body).send().await
    };
    create("hidden", format!("{lake}/sales/salaries")).await.expect(200);
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "kind": "table"}]}))]).await;

    let message = create("probe", format!("{lake}/sales")).await.expect_error(409, "AlreadyExistsException");

    assert!(!message.contains("salaries"), "{message}");
}

async fn row_44_a_replay_is_authorized_again(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    weir.govern(vec![Plugin::guest(json!({}))]).await;
    let key = "0197f0c8-1111-7aaa-8bbb-0123456789ab";
    let ask = || {
        weir.catalog.post("/namespaces/ns/tables", bodies::create_table("new")).header("idempotency-key", key).send()
    };
    ask().await.expect(200);
    weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "kind": "table"}]}))]).await;

    let replayed = ask().await;

    replayed.expect_error(404, "NoSuchTableException");
}

/// Nothing that was decided by the old policy is remembered: no tag, no listing, no load.
async fn s25_a_policy_that_changes_holds_from_the_next_question_on(engine: Engine) {
    let weir = Governed::with_one_of_each(engine).await;
    let path = "/namespaces/ns/tables/t";
    for _ in 0..3 {
        weir.govern(vec![Plugin::guest(json!({}))]).await;
        let tag = weir.catalog.get(path).send().await.expect(200).header("etag").expect("a tag").to_owned();
        weir.catalog.get(path).header("if-none-match", &tag).send().await.expect(304);
        assert_eq!(weir.names("/namespaces/ns/tables", 10).await, ["t"]);

        weir.govern(vec![Plugin::guest(json!({"rules": [{"effect": "deny", "kind": "table"}]}))]).await;

        weir.catalog.get(path).header("if-none-match", &tag).send().await.expect_error(404, "NoSuchTableException");
        assert!(weir.names("/namespaces/ns/tables", 10).await.is_empty());
    }
}
